package judge

import "waggle/lab/record"

// A match is what its two members were notified of.
type match struct {
	id               string
	matcher, matchee *member  // nil: not known
	request          *request // nil: not known
	shown            place    // where the matcher saw the matchee first
	distance         float64  // metres, as the matcher was notified
	first            int64    // when the first of the two was notified, of the match or its offer
	matched          int64    // likewise, of the match; 0: of none
	ending           int64    // when the first end, decline or cancel was sent; 0: none was
	ended            int64    // when the first of the two was notified of the end; 0: none was
	released         int64    // when the matchee was; 0: it was not
	reason           string   // of the end
	ttl              int64

	offer   *offer // nil: nobody was asked
	verdict string // of the offer's choice; "": it is not judged
}

// matched reads that a member is notified of a match, at its beginning or later.
func (j *judge) matched(m *member, f record.Frame, t int64) {
	mt := j.meet(m, f.Match, f.Role, t)
	if mt.matched == 0 {
		mt.matched = t
		if mt.offer != nil {
			mt.ending = 0 // the accept came before the decline or the cancel
			j.count(mt.offer, &j.verdict.Accepted)
		}
	}
	mt.matched = min(mt.matched, t)
	mt.offer.answer(mt, m)
	if f.Peer == nil {
		return
	}
	at := placeAt(f.Peer.Lat, f.Peer.Lng)
	if q := m.request; f.Role != "matchee" && q != nil && (mt.request == nil || mt.request == q && q.match == nil) && (f.ID == q.id || f.Type == "welcome") {
		mt.request, mt.shown, mt.distance = q, at, f.Peer.Distance
		q.match = mt
		j.outcome(q, matched, t)
	}
	j.shown(m, f.Match, t, at)
}

// meet notes that a member is notified of a match, or of its offer.
func (j *judge) meet(m *member, id, role string, t int64) *match {
	mt := j.matches[id]
	if mt == nil {
		mt = &match{id: id, first: t, ttl: j.ttl}
		j.matches[id] = mt
		j.later(func() {
			j.pair(mt)
			j.doubles(mt)
		})
	}
	mt.first = min(mt.first, t)
	if role == "matchee" {
		if mt.matchee == nil {
			mt.matchee = m
			m.matches = append(m.matches, mt)
		}
	} else if mt.matcher == nil {
		mt.matcher = m
		m.matches = append(m.matches, mt)
	}
	return mt
}

// pair finds the matchee by the place at which it was shown, if no member was notified
// that it is the matchee: that push did not arrive.
func (j *judge) pair(mt *match) {
	if mt.matchee != nil || mt.request == nil || mt.request.match != mt {
		return
	}
	for _, m := range j.members {
		spots, _ := m.spots(mt.first-slack, mt.first, nil)
		for _, r := range spots {
			if mt.matchee == nil && r.at.meters(mt.shown) <= tolerance {
				mt.matchee = m
				m.matches = append(m.matches, mt)
			}
		}
	}
}

// ended reads that a member is notified of an end.
func (j *judge) ended(m *member, f record.Frame, t int64) {
	offer := f.Reason == "declined" || f.Reason == "expired"
	if offer {
		j.missedOffer(m, f.Match, t)
	}
	if mt := j.matches[f.Match]; mt != nil {
		if mt.ended == 0 {
			mt.ended, mt.reason = t, f.Reason
		}
		if m == mt.matchee && mt.released == 0 {
			mt.released = t
		}
		mt.offer.answer(mt, m)
		if mt.offer != nil && mt.matched == 0 {
			offer = true
			j.refusedOffer(mt.offer, f.Reason)
		} else if mt.request != nil && mt.request.passenger != nil {
			j.lastEnd = max(j.lastEnd, t)
		}
	}
	if offer {
		return // the request goes on
	}
	if q := m.request; q != nil && (f.Match == "" || f.ID == q.id) {
		j.outcome(q, lapsed, t)
	}
	if j.isPassenger(m.name) && !m.leaving && !(f.Reason == "left" && j.left(j.matches[f.Match], t)) {
		j.error(m.name, t, "ended_"+f.Reason)
	}
}

// left tells whether one of the members of a match had sent nothing for the grace time, so that the
// match may end as left.
func (j *judge) left(mt *match, t int64) bool {
	if mt == nil {
		return false
	}
	for _, m := range []*member{mt.matcher, mt.matchee} {
		if m != nil && t-m.spoke >= int64(j.header.Grace*float64(second))-slack {
			return true
		}
	}
	return false
}

// until returns the time before which the match surely had not ended; false: it has not
// ended yet.
func (mt *match) until() (int64, bool) {
	if o := mt.offer; o != nil && mt.matched == 0 && o.lapse != 0 && (mt.ending == 0 || mt.ending > o.lapse) && (mt.ended == 0 || mt.reason == "expired") {
		return o.lapse, true
	}
	switch {
	case mt.ending != 0:
		return mt.ending, true
	case mt.ended != 0:
		return mt.ended - slack, true
	}
	return 0, false
}

// freed returns when the member was surely outside of the match again: 0 if that is not known. An offer
// that has run out holds its matchee until the matchee is told, even if the matcher is told sooner.
func (mt *match) freed(m *member) int64 {
	if mt.offer != nil && mt.matched == 0 && m != nil && m == mt.matchee {
		return mt.released
	}
	return mt.ended
}

// free tells whether a member of a match was outside of it from a to b.
func (mt *match) free(m *member, a, b int64) (certainty, string) {
	until, over := mt.until()
	freed := mt.freed(m)
	switch {
	case freed != 0 && freed < a:
		return yes, ""
	case mt.first <= a && (!over || until >= b):
		return no, "it was in another match"
	case mt.first > b && mt.claimed() > b:
		return yes, ""
	}
	return maybe, "another of its matches was beginning or ending"
}

// claimed returns the earliest time at which the matchee can have been chosen.
func (mt *match) claimed() int64 {
	if mt.request == nil || mt.matchee == nil {
		return mt.first - slack
	}
	q, m := mt.request, mt.matchee
	from := q.sent
	for _, other := range q.offers {
		if until, over := other.until(); other != mt && over && other.first < mt.first {
			from = max(from, until)
		}
	}
	for _, other := range m.matches {
		if until, over := other.until(); other != mt && over && other.first < mt.first {
			from = max(from, until)
		}
	}
	// The reports in a row that are within the radius, back from the last one before
	// the notification, without a gap in which the cab was stale.
	since := int64(0)
	for i := len(m.reports) - 1; i >= 0; i-- {
		r := &m.reports[i]
		if r.refused || r.sent > mt.first {
			continue
		}
		near := r.at.meters(q.at) <= q.radius+tolerance
		if since != 0 && (!near || r.taken() != 0 && since-r.taken() > mt.ttl+nearTTL) {
			break
		}
		if !near {
			continue
		}
		since = r.sent
		if r.taken() != 0 && r.taken() <= from {
			break // the server knew by then that it was near enough
		}
	}
	return min(max(from, since), mt.first)
}

// over tells whether the match no longer matters for the member from floor on.
func (mt *match) over(m *member, floor int64) bool {
	freed := mt.freed(m)
	return freed != 0 && freed < floor-slack
}
