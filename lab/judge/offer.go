package judge

import (
	"fmt"
	"math"
	"slices"

	"waggle/lab/record"
)

// bands are the distances that the protocol shows before a match, in metres.
var bands = []float64{50, 100, 250, 500, 1000, 2500, 5000, 10000, 20000}

// clockError is how much too late the time of an expiry may be computed.
const clockError = second / 20

// An offer is what the members of a match were notified of before it existed.
type offer struct {
	distance float64 // a band
	lapse    int64   // when it can have expired at the earliest; 0: not known
	accept   int64   // when the matchee sent its accept; 0: it did not
	counted  bool    // as accepted, declined, expired, or none of these
	// When the matcher and the matchee were notified of the offer, and whether they were of
	// its outcome.
	heard    [2]int64
	answered [2]bool
	spoke    [2]int64 // when they first sent something after the lapse, as far as a look showed; 0: they did not
	due      int64    // when the next look is due
}

// offered reads that a member is notified of an offer.
func (j *judge) offered(m *member, f record.Frame, o record.Offer, t int64) {
	mt := j.meet(m, o.Match, o.Role, t)
	if mt.offer == nil {
		mt.offer = &offer{distance: o.Distance}
		j.verdict.Offers++
		if j.clock != math.MaxInt64 {
			mt.offer.lapse = max(o.ExpiresAt*1000+j.clock-clockError, mt.first)
		}
		j.later(func() { j.judgeOffer(mt) })
		j.lookAt(mt, max(mt.offer.lapse, t))
	}
	if mt.matched != 0 {
		mt.offer.counted = true // it was told late
	}
	if heard := &mt.offer.heard[side(o.Role)]; *heard == 0 {
		*heard = t
	}
	if q := m.request; o.Role != "matchee" && q != nil && (f.ID == q.id || f.Type == "welcome") {
		if q.asking == 0 && f.Type == "offered" {
			q.asking = t
		}
		if mt.request == nil {
			mt.request = q
			q.offers = append(q.offers, mt)
		}
	}
	if f.Lat != nil || f.Lng != nil || f.Type == "offered" && f.Peer != nil {
		j.verdict.Leaks++
		j.find("leak", t, "%s was shown a position with the offer of match %s", m.name, o.Match)
	}
	if !slices.Contains(bands, o.Distance) {
		j.verdict.Leaks++
		j.find("leak", t, "%s was offered match %s at %g m, which is not a band", m.name, o.Match, o.Distance)
	}
}

func side(role string) int {
	if role == "matchee" {
		return 1
	}
	return 0
}

// answered reads that a member accepts or declines.
func (j *judge) answered(m *member, f record.Frame, t int64) {
	mt := j.matches[f.Match]
	switch {
	case mt == nil || mt.matchee != m || mt.offer == nil:
	case f.Action == "decline":
		if mt.ending == 0 && mt.matched == 0 {
			mt.ending = t
		}
	case mt.offer.accept == 0:
		mt.offer.accept = t
	}
}

// accepted tells whether the matchee had accepted by a time.
func (o *offer) accepted(by int64) bool { return o != nil && o.accept != 0 && o.accept <= by }

// answer notes that a member is notified of the outcome.
func (o *offer) answer(mt *match, m *member) {
	if o != nil {
		o.answered[0] = o.answered[0] || mt.matcher == m
		o.answered[1] = o.answered[1] || mt.matchee == m
	}
}

// missedOffer notes an offer from its end, whose notification m did not get.
func (j *judge) missedOffer(m *member, id string, t int64) {
	mt := j.matches[id]
	if mt == nil {
		first := t - j.confirm - slack
		mt = &match{id: id, first: first, ttl: j.ttl, offer: &offer{lapse: first, counted: true}}
		j.matches[id] = mt
	}
	if q := m.request; j.isPassenger(m.name) {
		if q != nil && mt.request == nil {
			mt.request, q.offers = q, append(q.offers, mt)
		}
	} else if mt.matchee == nil {
		mt.matchee = m
		m.matches = append(m.matches, mt)
	}
}

// count counts the outcome of an offer.
func (j *judge) count(o *offer, n *int) {
	if !o.counted {
		o.counted = true
		*n++
	}
}

// refusedOffer counts an offer that ended without a match.
func (j *judge) refusedOffer(o *offer, reason string) {
	switch reason {
	case "declined":
		j.count(o, &j.verdict.Declined)
	case "expired":
		j.count(o, &j.verdict.Expired)
	}
	o.counted = true
}

// judgeOffer judges the choice of the cab that was asked.
func (j *judge) judgeOffer(mt *match) {
	q, cab := mt.request, mt.matchee
	if q == nil || cab == nil || q.passenger == nil || q.by.cancel != "" && mt.matched == 0 {
		return
	}
	j.verdict.Choices++
	if slices.ContainsFunc(q.offers, func(o *match) bool { return o != mt && o.matchee == cab && o.first < mt.first }) {
		j.verdict.AskedAgain++
		j.find("offer", mt.first, "%s: cab %s was asked again", q.by.name, cab.name)
		mt.verdict = "nearest"
		return
	}
	chosen := span{mt.claimed(), mt.first}
	wrong, ambiguous := j.nearest(q, mt, chosen)
	spots, _ := cab.spots(chosen.from, chosen.to, nil)
	if best, worst := reach(spots, q.at); wrong == "" && (band(best-tolerance) > mt.offer.distance || band(worst+tolerance) < mt.offer.distance) {
		wrong = fmt.Sprintf("its cab %s was %.1f m away, and its offer said %g m", cab.name, best, mt.offer.distance)
	}
	mt.verdict = j.chosen(q, mt.first, wrong, ambiguous)
}

// band returns the smallest band that has a distance in metres.
func band(distance float64) float64 {
	i, _ := slices.BinarySearch(bands, distance)
	return bands[min(i, len(bands)-1)]
}

// openOffer finds an offer of which a side was not told the outcome, although it stayed connected: a
// push may fail, but the next message brings what it was to say.
func (j *judge) openOffer(mt *match) {
	o, waits := mt.offer, false
	if j.now < o.due {
		return // the record ends before
	}
	for i, m := range []*member{mt.matcher, mt.matchee} {
		if m == nil || o.heard[i] == 0 || o.answered[i] || i == 0 && mt.request != nil && mt.request.outcome != none ||
			!slices.ContainsFunc(m.links, func(l span) bool { return l.from <= o.heard[i] && l.to == 0 }) {
			continue
		}
		if o.spoke[i] == 0 && m.spoke > o.lapse {
			o.spoke[i] = m.spoke
		}
		if o.spoke[i] == 0 || j.now < o.spoke[i]+repairTime {
			waits = true
			continue
		}
		o.answered[i] = true // it is found once
		j.verdict.OffersOpen++
		j.find("offer", o.heard[i], "%s was not told what became of the offer of match %s", m.name, mt.id)
	}
	if waits {
		j.lookAt(mt, j.now)
	}
}

// lookAt looks later whether both sides know what became of the offer.
func (j *judge) lookAt(mt *match, t int64) {
	mt.offer.due = t + repairTime
	j.agenda.add(mt.offer.due, func() { j.openOffer(mt) })
}
