// Package judge says what came of a replay, from its record and the trace alone.
// It knows nothing of the server, nor of what the replay counted: it keeps by
// itself where each cab can have been at which moment, and who can have been in
// which match, and looks at everybody for every request.
//
// Start with Run; Terms says what its words mean. Requests are judged in
// nearest.go and missed.go, by what member.go and match.go know of a stretch of
// time; privacy.go, double.go and probes.go hold the rest. A record is read once
// and not kept: what is settled is forgotten (agenda.go).
package judge

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"waggle/lab/record"
	"waggle/lab/trace"
)

// Terms are the words of the verdict.
const Terms = `All times are of the record: when a frame was given to the socket or had been
read from it. What was in flight at a moment is taken in the server's favour.

available  At a moment: connected (and since then reported), the last acknowledged
           report no older than the pool's TTL, in no match, and not said to be
           available: false. Surely available is who was so, at one known place,
           for all of the time in which the server can have chosen.
chosen     A cab was chosen between the request, or if it came later the end of the
           cab's match before, or its first report in a row within the radius; and
           when the first of the two was told.
nearest    matched to the cab that was available and nearest, 1 m aside, by distances
           over unit vectors. notNearest is a request with a surely available cab
           nearer by more than 1 m, or whose own cab cannot have been available, or
           was not at the place or distance it was shown at.
ambiguous  matched, not notNearest, and a nearer cab may have been available: its
           report was sent before the outcome and acknowledged after the request, or
           one of the cab that was taken was, which had been nearer; its own match
           or end was under way; it was within 250 ms of its TTL; it had just
           connected or gone (2 s); or a request near it failed, which may have held
           it for 20 s. nearestShare is of all others, ambiguousShare of all matched.
missed     no_match though a cab within the radius was surely available; or waiting
           though one was for 2 s (wherever within it).
waited     matched after waiting was told; for how long, in seconds of the trace.
match      begun when the first of the two is told; ended when the first end is sent
           or, where none was, 2 s before the first of the two is told that it ended.
double     a member told, or whose peer was told, of a match that began before
           another of its matches ended. What is in flight can thus make none.
leak       a position of another member more than 2 s before either side of its match
           was told of it, or without a match, or more than 2 s after either side was
           told the end; one that the peer has not reported; or, to a cab, any but
           the passenger's fixed point.
stuck      a cab that no probe beside it was matched with, though it had reported
           and 20 s had passed since the last end. These 20 s are of the wall clock
           at any speed, as the server's own deadlines are. probed are all cabs
           whose probes say something.
errors     error frames and unknown ones by code, but for the refusal of a cancel;
           ended_* for a passenger's match or request that it did not end; and what
           a member noted that is no frame, such as timeout, offline, connection,
           handshake_503, or forgotten (over without a word).
unanswered a request refused, failed, or over without an outcome; cancelled if the
           play was interrupted first; open if the record is cut off first.
requests   pickups of the trace, each asked for so long ahead (the record's header says
           how long), where that is within the window. askedBefore are the pickups of
           the window that were asked for before it, or before the trace has anything
           of their cab: they are not played.
notPlayed  rows and requests of the trace that are not in the record: of all, or up to
           the last row sent where the play did not come to its end.`

// Times are in microseconds, as in the record.
const (
	second = int64(time.Second / time.Microsecond)
	// settling is how long a record is read on before anything is judged: an
	// acknowledgement or push that takes longer counts as not there.
	settling = 10 * second
	// slack is how long a post may be in flight.
	slack = 2 * second
)

// Options say what else is wanted of Run.
type Options struct {
	// Rows takes each request as it was judged, in the order of their outcomes;
	// nil: nobody does.
	Rows func(Row)
}

// Run judges a record of a trace's window. An error says that there is nothing to
// judge: a record that cannot be read, or is of another trace.
func Run(rows []trace.Row, r *record.Reader, o Options) (Verdict, error) {
	j := newJudge(trace.Cut(rows, r.Header.From, r.Header.To, r.Header.Ahead), r.Header, o)
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = j.event(e)
			if err != nil {
				err = fmt.Errorf("line %d: %w", r.Line(), err)
			}
		}
		if err != nil {
			return Verdict{}, err
		}
		j.verdict.Lines++
	}
	if j.started == 0 {
		return Verdict{}, fmt.Errorf("line %d is the last, and nothing was played yet: no line has \"e\":%q", r.Line(), record.Started)
	}
	j.finish(r)
	return j.verdict, nil
}

type judge struct {
	options Options
	header  record.Header
	window  trace.Window
	verdict Verdict

	// When the window began and was over, and what time it is.
	started, played, now int64
	through              bool // it was over by itself
	ttl                  int64
	members              map[string]*member
	matches              map[string]*match
	open                 map[*request]bool     // not judged yet
	unresolved           map[string]*passenger // without an outcome
	agenda               agenda
	lastEnd              int64 // of a passenger's match
	edge                 int64 // where a record that is cut off leaves open what comes; 0: nowhere
	probes               []probe
	found                map[string]int // findings by kind

	rowsSent, rowsAcked []bool
	lastRow             int
	latencies           []float64 // milliseconds
	distances           []float64 // metres
	waits               []float64 // seconds of the trace
}

func newJudge(w trace.Window, h record.Header, o Options) *judge {
	j := &judge{
		options: o, header: h, window: w, ttl: int64(h.LocationTTL * 1e6),
		members: map[string]*member{}, matches: map[string]*match{}, open: map[*request]bool{}, unresolved: map[string]*passenger{},
		rowsSent: make([]bool, len(w.Reports)), rowsAcked: make([]bool, len(w.Reports)), lastRow: -1,
		probes: make([]probe, len(w.Cabs)), found: map[string]int{},
	}
	v := &j.verdict
	v.From, v.To, v.Speed = h.From, h.To, h.Speed
	v.AheadSeconds, v.AskedBefore = h.Ahead, w.Earlier
	v.Members, v.Skipped, v.ErrorsByCode = len(w.Cabs), w.Skipped, map[string]int{}
	return j
}

// event takes in a line of the record.
func (j *judge) event(e record.Event) error {
	j.now = max(j.now, e.Micros)
	j.settle()
	switch e.Kind {
	case record.Started:
		j.started = e.Micros
	case record.Played, record.Interrupted:
		j.played = e.Micros
		j.through, j.verdict.Interrupted = e.Kind == record.Played, e.Kind == record.Interrupted
	case record.Connected:
		j.member(e.Member).connect(e.Micros)
	case record.Lost, record.Closed:
		j.member(e.Member).disconnect(e.Micros)
		if e.Kind == record.Lost {
			j.verdict.ConnectionsLost++
		}
	case record.Called:
		return j.called(e.Member, e.Micros)
	case record.Failed:
		j.error(e.Member, e.Micros, e.Code)
		if p := j.unresolved[e.Member]; p != nil {
			p.failed = true
		}
	case record.Sent, record.Received:
		f, ok := record.ParseFrame(e.Frame)
		switch {
		case !ok: // no client takes it for a frame
		case e.Kind == record.Sent:
			return j.sent(j.member(e.Member), f, e.Micros)
		default:
			j.received(j.member(e.Member), f, e.Micros)
		}
	}
	return nil
}

func (j *judge) member(name string) *member {
	m := j.members[name]
	if m == nil {
		m = &member{name: name, available: true}
		j.members[name] = m
	}
	return m
}

// sent takes in what a member said.
func (j *judge) sent(m *member, f record.Frame, t int64) error {
	switch f.Action {
	case "location":
		if f.Lat == nil || f.Lng == nil {
			break
		}
		m.move(t, f)
		if row, ok := strings.CutPrefix(f.ID, record.ReportID); ok {
			return j.row(m, row, f, t)
		}
	case "match":
		return j.ask(m, f, t)
	case "cancel":
		m.parting, m.cancel = true, f.ID
	case "end":
		m.parting = true
		if mt := j.matches[f.Match]; mt != nil && mt.ending == 0 {
			mt.ending = t
		}
	}
	return nil
}

// row takes in a report that is a row of the trace.
func (j *judge) row(m *member, number string, f record.Frame, t int64) error {
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 || i >= len(j.window.Reports) {
		return fmt.Errorf("it has %s%s, and the trace has %d rows from %d to %d: the record is of another trace",
			record.ReportID, number, len(j.window.Reports), j.header.From, j.header.To)
	}
	if r := j.window.Reports[i]; r.Cab != m.name || r.Lat != *f.Lat || r.Lng != *f.Lng {
		return fmt.Errorf("%s%d is cab %s at %g, %g, and in the trace it is cab %s at %g, %g: the record is of another trace",
			record.ReportID, i, m.name, *f.Lat, *f.Lng, r.Cab, r.Lat, r.Lng)
	}
	if j.started == 0 {
		return fmt.Errorf("a row is played before the line with \"e\":%q", record.Started)
	}
	if !j.rowsSent[i] {
		j.rowsSent[i], j.lastRow = true, max(j.lastRow, i)
		j.verdict.Reports++
		return j.turn(record.ReportID+number, t, j.window.Reports[i].Unix)
	}
	return nil
}

// rounding is by how much a time of the record may differ from what it follows from.
const rounding = second / 1000

// turn takes in that something of the trace had its turn, for which it may be late
// but not early.
func (j *judge) turn(what string, t, unix int64) error {
	late := t - j.header.Wall(j.started, unix)
	if late < -rounding {
		return fmt.Errorf("%s comes %.3f s before it is time: the record is of another trace", what, float64(-late)/1e6)
	}
	j.verdict.BehindMillisMax = max(j.verdict.BehindMillisMax, float64(late)/1e3)
	return nil
}

// received takes in what a member was told.
func (j *judge) received(m *member, f record.Frame, t int64) {
	switch f.Type {
	case "ack":
		m.acknowledge(f.ID, t)
		if row, ok := strings.CutPrefix(f.ID, record.ReportID); ok {
			if i, err := strconv.Atoi(row); err == nil && i >= 0 && i < len(j.rowsAcked) && !j.rowsAcked[i] {
				j.rowsAcked[i] = true
				j.verdict.Acknowledged++
			}
		}
	case "waiting":
		if q := m.request; q != nil && f.ID == q.id && q.waiting == 0 {
			q.waiting = t
		}
	case "no_match":
		if q := m.request; q != nil && f.ID == q.id {
			j.outcome(q, noMatch, t)
		}
	case "matched", "welcome":
		if f.Match != "" {
			j.matched(m, f, t)
		}
	case "location":
		if j.isPassenger(m.name) {
			j.verdict.LocationsSeen++
		}
		if f.Lat != nil && f.Lng != nil {
			j.shown(m, f.Match, t, placeAt(*f.Lat, *f.Lng))
		}
	case "ended":
		j.ended(m, f, t)
	case "error":
		j.refused(m, f, t)
	case "pong":
	default:
		j.error(m.name, t, "unknown_frame")
	}
}

// refused takes in an error frame.
func (j *judge) refused(m *member, f record.Frame, t int64) {
	if m.cancel != "" && f.ID == m.cancel {
		return // the request had just been answered
	}
	j.error(m.name, t, f.Code)
	if f.ID == "" {
		return
	}
	m.refuse(f.ID, f.Code)
	if q := m.request; q != nil && f.ID == q.id {
		j.outcome(q, refused, t)
	}
}

func (j *judge) error(member string, t int64, code string) {
	j.verdict.Errors++
	j.verdict.ErrorsByCode[code]++
	j.find("error", t, "%s: %s", member, code)
}

func (j *judge) isPassenger(name string) bool { return strings.HasPrefix(name, j.header.Passengers) }

// findingsKept is of each kind.
const findingsKept = 100

// find adds a finding, with its time in the trace.
func (j *judge) find(kind string, t int64, format string, args ...any) {
	if j.found[kind]++; j.found[kind] > findingsKept {
		return
	}
	at := float64(j.header.From)
	if j.started != 0 {
		at += float64(t-j.started) / 1e6 * j.header.Speed
	}
	j.verdict.Findings = append(j.verdict.Findings, Finding{Kind: kind, At: at, Text: fmt.Sprintf(format, args...)})
}
