package judge

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"waggle/lab/record"
	"waggle/lab/trace"
)

// An outcome of a request.
type outcome string

const (
	none      outcome = "" // not told yet
	matched   outcome = "matched"
	noMatch   outcome = "noMatch"
	refused   outcome = "refused"
	lapsed    outcome = "lapsed"  // ended before it was told how it went
	givenUp   outcome = "givenUp" // nothing came for long enough
	cancelled outcome = "cancelled"
)

// A request is what somebody asked.
type request struct {
	id        string
	by        *member
	passenger *passenger // nil: a probe's, or whoever's
	at        place
	radius    float64
	sent      int64
	deadline  int64 // until then it waits, at least
	waiting   int64 // when it was told to wait; 0: it was not
	told      int64 // when it was told its outcome
	outcome   outcome
	match     *match
	counted   bool // as matched or noMatch
}

// A passenger is one pickup of the trace.
type passenger struct {
	name   string
	number int // from 1
	fare   trace.Fare
	failed bool // without an outcome
}

// patience is how long after its time a request may still get its outcome.
const patience = 60 * second

// called takes in that a passenger is about to ask.
func (j *judge) called(name string, t int64) error {
	number, ok := strings.CutPrefix(name, j.header.Passengers)
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 || n > len(j.window.Fares) {
		return fmt.Errorf("%s is no passenger of the trace, which has %d pickups from %d to %d: the record is of another trace",
			name, len(j.window.Fares), j.header.From, j.header.To)
	}
	if j.started == 0 {
		return fmt.Errorf("a passenger asks before the line with \"e\":%q", record.Started)
	}
	p := &passenger{name: name, number: n, fare: j.window.Fares[n-1]}
	j.verdict.Requests++
	j.unresolved[name] = p
	return j.turn(name, t, p.fare.Asks)
}

// ask takes in a request, once however often it is sent.
func (j *judge) ask(m *member, f record.Frame, t int64) error {
	if m.request != nil && m.request.id == f.ID {
		return nil
	}
	q := &request{id: f.ID, by: m, passenger: j.unresolved[m.name], sent: t, deadline: t + int64(f.Wait*1e6), radius: f.Radius}
	if q.radius == 0 {
		q.radius = 3000 // the protocol's
	}
	switch {
	case f.Lat != nil && f.Lng != nil:
		q.at = placeAt(*f.Lat, *f.Lng)
	case len(m.reports) > 0:
		q.at = m.reports[len(m.reports)-1].at
	}
	if p := q.passenger; p != nil && (f.Lat == nil || f.Lng == nil || *f.Lat != p.fare.Lat || *f.Lng != p.fare.Lng) {
		return fmt.Errorf("%s does not ask where pickup %d of the trace is, at %g, %g: the record is of another trace", m.name, p.number, p.fare.Lat, p.fare.Lng)
	}
	m.request = q
	j.open[q] = true
	j.agenda.add(q.deadline+patience, func() {
		if q.outcome == none {
			q.outcome = givenUp
			delete(j.open, q)
		}
	})
	return nil
}

// outcome takes in how a request ended, the first time; it is judged when what was
// in flight has come.
func (j *judge) outcome(q *request, o outcome, t int64) {
	if q.outcome != none {
		return
	}
	q.outcome, q.told = o, t
	if o != matched && o != noMatch && q.by.parting {
		q.outcome = cancelled
	}
	j.later(func() { j.judged(q) })
	j.agenda.add(max(q.doubtful(), j.now)+settling, func() { delete(j.open, q) })
	p := q.passenger
	if p == nil {
		return
	}
	v := &j.verdict
	took := t - q.sent
	switch {
	case q.by.parting: // it was given up before: finish says what that is
		return
	case o == matched:
		v.Matched++
		j.distances = append(j.distances, q.match.distance)
		if q.waiting != 0 {
			v.Waited++
			j.waits = append(j.waits, float64(took)/1e6*v.Speed)
		} else {
			j.latencies = append(j.latencies, float64(took)/1e3)
		}
	case o == noMatch:
		v.NoMatch++
	default:
		p.failed = true
		return
	}
	q.counted = true
	delete(j.unresolved, p.name)
}

// doubtful is until when the request may hold a cab, of which nobody is told: the
// process that served it may have failed on the way.
func (q *request) doubtful() int64 {
	switch q.outcome {
	case none:
		return math.MaxInt64
	case matched, noMatch:
		return q.told
	}
	return q.told + healing
}

// judged says whether the outcome was right.
func (j *judge) judged(q *request) {
	row := Row{Asked: q.sent}
	switch q.outcome {
	case matched:
		row = j.judgeMatched(q)
	case noMatch:
		row = j.judgeNoMatch(q)
	}
	if strings.HasPrefix(q.by.name, j.header.Probes) {
		j.probed(q)
	}
	if p := q.passenger; q.counted && j.options.Rows != nil {
		row.Passenger, row.Asks, row.Pickup, row.Outcome = p.name, p.fare.Asks, p.fare.Pickup, string(q.outcome)
		j.options.Rows(row)
	}
}
