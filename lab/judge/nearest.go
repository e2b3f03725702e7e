package judge

import (
	"fmt"
	"slices"
)

// judgeMatched judges whether a request got the nearest cab, and whether it could have
// got another one sooner.
func (j *judge) judgeMatched(q *request) Row {
	mt, v := q.match, &j.verdict
	row := Row{Asked: q.sent, Verdict: "nearest", DistanceMeters: mt.distance}
	if q.waited() {
		row.WaitedSeconds = float64(q.outcomeAt-q.sent) / 1e6 * j.header.Speed
	} else {
		row.LatencyMillis = float64(q.outcomeAt-q.sent) / 1e3
	}
	if !q.counted {
		return row
	}
	chosen := span{q.sent, mt.first}
	if mt.matchee != nil {
		row.Cab, chosen.from = mt.matchee.name, mt.claimed()
	}
	if q.confirm > 0 && !mt.offer.accepted(mt.matched) {
		v.Unconfirmed++
		j.find("unconfirmed", q.outcomeAt, "%s: its cab had not accepted match %s", q.by.name, mt.id)
	}
	if row.Verdict = mt.verdict; row.Verdict == "" {
		v.Choices++
		wrong, ambiguous := j.nearest(q, mt, chosen)
		row.Verdict = j.chosen(q, q.outcomeAt, wrong, ambiguous)
	} else if wrong := j.shownWrong(q, mt, chosen); wrong != "" && row.Verdict != "notNearest" {
		if row.Verdict == "ambiguous" {
			v.Ambiguous--
		}
		row.Verdict = j.chosen(q, q.outcomeAt, wrong, "")
	}
	if q.waiting != 0 {
		j.late(q, chosen.from)
	}
	return row
}

// chosen counts whether the choice of a cab was right, and returns its verdict.
func (j *judge) chosen(q *request, at int64, wrong, ambiguous string) string {
	switch {
	case wrong != "":
		j.verdict.NotNearest++
		j.find("notNearest", at, "%s: %s", q.by.name, wrong)
		return "notNearest"
	case ambiguous != "":
		j.verdict.Ambiguous++
		j.find("ambiguous", at, "%s: %s", q.by.name, ambiguous)
		return "ambiguous"
	}
	return "nearest"
}

// nearest says what is wrong with the cab that a request got, or why that is ambiguous.
func (j *judge) nearest(q *request, mt *match, chosen span) (wrong, ambiguous string) {
	cab := mt.matchee
	if cab == nil {
		return "no cab was where its cab was shown, or was notified of match " + mt.id, ""
	}
	// The passenger sees where the cab is at the notification, which may be further away
	// than where it was chosen, or nearer.
	spots, known := cab.spots(chosen.from, chosen.to, nil)
	best, worst := reach(spots, q.at)
	far := worst
	if mt.offer == nil && slices.ContainsFunc(spots, mt.isShown) {
		far = mt.shown.meters(q.at) // otherwise the passenger was notified long after the cab
	}
	c, why := cab.over(chosen.from, chosen.to, spots, known, j.ttl, mt)
	switch {
	case c == no:
		return fmt.Sprintf("it got cab %s, but %s", cab.name, why), ""
	case best > q.radius+tolerance:
		return fmt.Sprintf("its cab %s was %.0f m away, beyond its radius of %.0f m", cab.name, best, q.radius), ""
	}
	if q.match == mt {
		if wrong := j.shownWrong(q, mt, chosen); wrong != "" {
			return wrong, ""
		}
	}
	for _, other := range j.members {
		if other == cab || len(other.reports) == 0 || q.asked(other, chosen.from) {
			continue
		}
		spots, known = other.spots(chosen.from, chosen.to, spots[:0])
		near, _ := reach(spots, q.at)
		if near >= far-tolerance {
			continue
		}
		c, why := j.available(other, q, chosen, spots, known)
		switch {
		case c == yes && len(spots) > 1:
			c, why = maybe, "its report was in flight"
		case c == yes && near >= best-tolerance:
			c, why = maybe, "a report of "+cab.name+" was in flight"
		}
		switch {
		case c == yes:
			return fmt.Sprintf("it got cab %s at %.1f m, and %s was available at %.1f m", cab.name, far, other.name, near), ""
		case c == maybe:
			ambiguous = fmt.Sprintf("it got cab %s at %.1f m, and %s may have been available at %.1f m: %s", cab.name, far, other.name, near, why)
		}
	}
	return "", ambiguous
}

func (mt *match) isShown(r *report) bool { return r.at.meters(mt.shown) <= tolerance }

// shownWrong says what is wrong with how a request was shown its cab.
func (j *judge) shownWrong(q *request, mt *match, chosen span) string {
	cab := mt.matchee
	if cab == nil {
		return "no cab was where its cab was shown, or was notified of match " + mt.id
	}
	distance := mt.shown.meters(q.at)
	later, _ := cab.spots(chosen.from, q.outcomeAt, nil)
	switch {
	case !slices.ContainsFunc(later, mt.isShown):
		return fmt.Sprintf("its cab %s was shown where it had not reported to be", cab.name)
	case distance-mt.distance > tolerance || mt.distance-distance > tolerance:
		return fmt.Sprintf("its cab %s was %.1f m away, and its match said %.1f m", cab.name, distance, mt.distance)
	}
	return ""
}

// available is over, except that a request may have held the member that failed, whose outcome
// was not known then, or whose cab is not known.
func (j *judge) available(m *member, q *request, at span, spots []*report, known bool) (certainty, string) {
	c, why := m.over(at.from, at.to, spots, known, j.ttl, q.match)
	if c != yes {
		return c, why
	}
	for other := range j.open {
		waits := other.outcome == none && (other.waiting != 0 && other.deadline > at.to || other.asking != 0)
		paired := other.outcome == matched && other.match.matchee != nil
		unknown := slices.ContainsFunc(other.offers, func(o *match) bool { return o.matchee == nil && other.asks(at) })
		if other == q || !unknown && (waits || paired || other.outcome == noMatch || other.doubtful() < at.from) || other.sent > at.to {
			continue
		}
		if near, _ := reach(spots, other.at); near <= other.radius+tolerance {
			return maybe, "a request that failed may have held it"
		}
	}
	return yes, ""
}
