package judge

// idle is how long a waiting request and an available cab may go unmatched.
const idle = 2 * second

// judgeNoMatch judges a request that found nobody.
func (j *judge) judgeNoMatch(q *request) Row {
	row := Row{Asked: q.sent, LatencyMillis: float64(q.outcomeAt-q.sent) / 1e3}
	var missed bool
	if q.waiting != 0 {
		row.LatencyMillis, row.WaitedSeconds = 0, float64(q.outcomeAt-q.sent)/1e6*j.header.Speed
		missed = j.late(q, q.outcomeAt)
	} else {
		missed = j.missed(q)
	}
	if missed {
		row.Verdict = "missed"
	}
	return row
}

// missed tells whether a cab was surely available during the search.
func (j *judge) missed(q *request) bool {
	if len(q.offers) > 0 && q.outcomeAt >= max(q.deadline, q.sent+q.confirm)-nearTTL {
		return false // it asked until it was over
	}
	var spots []*report
	for _, m := range j.members {
		if len(m.reports) == 0 {
			continue
		}
		var known bool
		spots, known = m.spots(q.sent, q.outcomeAt, spots[:0])
		near, _ := reach(spots, q.at)
		if len(spots) != 1 || near > q.radius-tolerance || q.asked(m, q.outcomeAt) {
			continue
		}
		if c, _ := j.available(m, q, span{q.sent, q.outcomeAt}, spots, known); c == yes {
			return j.miss(q, "no match, and %s was available at %.1f m", m.name, near)
		}
	}
	return false
}

// late tells whether a cab was surely available for too long while the request waited,
// before its own cab was chosen.
func (j *judge) late(q *request, before int64) bool {
	before = min(before, q.deadline) // no_match comes only with the member's next message
	var spots []*report
	for _, m := range j.members {
		if q.match != nil && m == q.match.matchee || len(m.reports) == 0 {
			continue
		}
		turns := m.turns(q.waiting, before-idle)
		for _, o := range q.offers {
			if o.ended >= q.waiting && o.ended < before-idle {
				turns = append(turns, o.ended+1)
			}
		}
		for _, from := range turns {
			at := span{from, from + idle}
			if q.asked(m, at.from) || q.asks(at) {
				continue
			}
			var known bool
			spots, known = m.spots(at.from, at.to, spots[:0])
			if near, far := reach(spots, q.at); len(spots) == 0 || far > q.radius-tolerance {
				continue
			} else if c, _ := j.available(m, q, at, spots, known); c == yes {
				return j.miss(q, "it waited, and %s was available at %.1f m for 2 s", m.name, near)
			}
		}
	}
	return false
}

func (j *judge) miss(q *request, format string, args ...any) bool {
	if !q.counted {
		return false // such as a probe's, which probes.go judges
	}
	j.verdict.Missed++
	j.find("missed", q.outcomeAt, "%s: "+format, append([]any{q.by.name}, args...)...)
	return true
}

// turns returns the times from a to b at which a member can have become available.
func (m *member) turns(a, b int64) []int64 {
	var all []int64
	add := func(t int64) {
		if t >= a && t <= b {
			all = append(all, t)
		}
	}
	add(a)
	for i := range m.reports {
		add(m.reports[i].taken())
	}
	for _, mt := range m.matches {
		add(mt.freed(m) + 1)
	}
	return all
}
