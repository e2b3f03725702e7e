package judge

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"waggle/lab/record"
	"waggle/lab/trace"
)

// An outcome is how a request ended.
type outcome string

const (
	none      outcome = "" // not known yet
	matched   outcome = "matched"
	noMatch   outcome = "noMatch"
	refused   outcome = "refused"
	lapsed    outcome = "lapsed"  // ended without one of the above
	givenUp   outcome = "givenUp" // no outcome came in time
	cancelled outcome = "cancelled"
)

// A request is a match message.
type request struct {
	id        string
	by        *member
	passenger *passenger // nil: it is not a passenger's
	at        place
	radius    float64
	sent      int64
	share     bool  // the matchee may see where the matcher is
	deadline  int64 // until then it waits
	waiting   int64 // when the member received waiting; 0: it did not
	outcomeAt int64 // when the member received the outcome
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

// patience is how long after its deadline a request may still get its outcome.
const patience = 60 * second

// called notes that a passenger is about to connect and ask.
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

// ask notes a request. Repeats of the same message count once.
func (j *judge) ask(m *member, f record.Frame, t int64) error {
	if m.request != nil && m.request.id == f.ID {
		return nil
	}
	q := &request{id: f.ID, by: m, passenger: j.unresolved[m.name], sent: t, deadline: t + int64(f.Wait*1e6), radius: f.Radius, share: f.Share}
	if q.radius == 0 {
		q.radius = 3000 // the protocol's default
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

// outcome notes the first outcome of a request. It is judged when every frame that is in
// flight has come.
func (j *judge) outcome(q *request, o outcome, t int64) {
	if q.outcome != none {
		return
	}
	q.outcome, q.outcomeAt = o, t
	if o != matched && o != noMatch && q.by.leaving {
		q.outcome = cancelled
	}
	j.later(func() { j.judged(q) })
	j.agenda.add(max(q.doubtful(), j.now)+grace, func() { delete(j.open, q) })
	p := q.passenger
	if p == nil {
		return
	}
	v := &j.verdict
	took := t - q.sent
	switch {
	case q.by.leaving: // the passenger had given up; finish counts it
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

// doubtful returns until when the request may hold a cab that nobody was notified of: the
// process that served it may have died.
func (q *request) doubtful() int64 {
	switch q.outcome {
	case none:
		return math.MaxInt64
	case matched, noMatch:
		return q.outcomeAt
	}
	return q.outcomeAt + repairTime
}

// judged judges the outcome of a request.
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
