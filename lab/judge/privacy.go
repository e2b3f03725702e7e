package judge

// shown notes that a member was shown a position. It is judged later, since frames may
// overtake each other.
func (j *judge) shown(m *member, match string, t int64, at place) {
	j.later(func() {
		if j.edge != 0 && t > j.edge {
			return
		}
		if why := j.leak(m, match, t, at); why != "" {
			j.verdict.Leaks++
			j.find("leak", t, "%s was shown %s", m.name, why)
		}
	})
}

// leak says why the member must not see the position, or "".
func (j *judge) leak(m *member, match string, t int64, at place) string {
	mt := j.matches[match]
	switch {
	case mt == nil || mt.matcher != m && mt.matchee != m:
		return "a position without a match"
	case mt.first > t+slack:
		return "a position before its match"
	case mt.ended != 0 && t > mt.ended+slack:
		return "a position after the end of its match"
	case mt.matchee == m && mt.request != nil && at.meters(mt.request.at) > tolerance && !mt.request.shows(at, t):
		return "another place than the request's"
	case mt.matcher == m && mt.matchee != nil && !mt.matchee.reported(at, t):
		return "a position that its cab had not reported"
	}
	return ""
}

// shows tells whether the matcher has reported the place, and shares where it is.
func (q *request) shows(at place, by int64) bool { return q.share && q.by.reported(at, by) }

// reported tells whether the member had reported the place, as far back as is kept.
func (m *member) reported(at place, by int64) bool {
	for i := range m.reports {
		if r := &m.reports[i]; r.sent <= by && r.at.meters(at) <= tolerance {
			return true
		}
	}
	return false
}
