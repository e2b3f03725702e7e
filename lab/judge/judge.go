// Package judge decides from the record of a replay, and the trace that it played,
// whether the promises were kept. It knows nothing of the server, nor of what the replay
// counted: it works out where each cab can have been at each moment, and which match it
// can have been in, and for each request it looks at every cab.
//
// Start with Run; Terms defines the words of a verdict. Requests are judged in
// nearest.go and missed.go, by what member.go and match.go know of a span of time.
// privacy.go, double.go and probes.go judge the rest. A record is read once and not
// kept: agenda.go drops what no longer matters.
package judge

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"waggle/lab/record"
	"waggle/lab/trace"
)

// Terms defines the words of a verdict.
const Terms = `All times are those of the record: when a frame was handed to the socket, or when it
had been read from it. While a frame is in flight, the verdict favours the server.

available  A cab is available at a moment if it is connected and has reported since,
           its last taken report is no older than the pool's TTL, it is in no match,
           and it has not said available: false. It is surely available if that is
           so, at one known place, for the whole time in which the server can have
           chosen a cab.
taken      A report is taken once it is acknowledged. One that is neither acknowledged
           nor refused is taken 2 s after it was sent, unless the connection broke by
           then, or an error came that may be about it: only its ack was lost.
chosen     The server chose a cab after the latest of these: the request, the end of
           the cab's match before, and the first of its reports in a row that lie
           within the radius. It chose before the first of the two was notified.
nearest    Matched to the nearest available cab, give or take 1 m. Distances are
           computed with unit vectors.
notNearest A surely available cab was nearer by more than 1 m; or the matched cab
           cannot have been available, or was shown at a wrong place or distance.
ambiguous  Not notNearest, but a nearer cab may have been available: its report was
           sent before the outcome and taken after the request, or such a
           report of the matched cab had been nearer; its own match or end was in
           flight; its report was within 250 ms of its TTL; it had connected or
           disconnected less than 2 s before; or a failed request near it may have
           held it, for 20 s. ambiguousShare is of all choices, and nearestShare of
           all that are not ambiguous.
missed     no_match, although a cab within the radius was surely available; or
           waiting, although one was surely available for 2 s within the radius.
waited     Matched after a waiting or offered frame. The time is in seconds of the trace.
offers     A cab is busy from the moment when the first of the two is notified of an
           offer. It is surely free once one of them is notified of the end, and may be
           from the decline, or 50 ms before the expiry. Whether it is the nearest is
           judged at the offer: a cab that the request had asked before does not count.
           An offer is open if a connected side that was notified of it is not notified
           of its outcome within 20 s of its first message seen after the expiry.
choices    The cabs that were chosen for an offer, or for a match without one.
match      A match begins when the first of the two is notified. It ends when the
           first end is sent or, if none is, 2 s before the first of the two is
           notified of the end.
double     A member or its peer was notified of a match or offer that began before
           another of its matches or offers ended. A frame in flight is not enough for that.
leak       A position of another member that was shown without a match, more than 2 s
           before either side was notified of the match, or more than 2 s after
           either side was notified of the end; a position that the peer has not
           reported; or, to a cab, any other than the passenger's fixed point, unless the
           passenger shares where it is and has reported it. So is a position with an
           offer, or a distance that is not a band.
stuck      A cab that had reported and that no probe beside it was matched with, 20 s
           or more after the last end. These seconds are of the wall clock at any
           speed, like the server's own deadlines. probed are the cabs whose probes
           had a clear result.
errors     Error frames and unknown frames by code, except the refusal of a cancel;
           ended_* for a match or request that the passenger did not end; and what a
           member noted that is not a frame, such as timeout, offline, connection,
           handshake_503, or forgotten (it is over, but no frame said so).
unanswered A request that was refused, failed, or ended without an outcome. It is
           cancelled if the replay was interrupted first, and open if the record is
           cut off first.
requests   Pickups of the trace, each asked for some time ahead, if that moment is in
           the window. The header of the record says how long ahead. askedBefore are
           the pickups of the window that are asked for before it, or before the
           trace has a row of their cab. They are not played.
notPlayed  Rows and requests of the trace that are not in the record: all of them, or
           those up to the last row sent if the replay did not reach its end.`

// Times are in microseconds, as in the record.
const (
	second = int64(time.Second / time.Microsecond)
	// grace is how long the record is read on before anything is judged. A frame that
	// is in flight for longer counts as missing.
	grace = 10 * second
	// slack is how long a push may be in flight.
	slack = 2 * second
)

// Options are the options of Run.
type Options struct {
	// Rows is called with each judged request, in the order of their outcomes. It may
	// be nil.
	Rows func(Row)
	// MaxAmbiguousShare is the largest share of matches that may be ambiguous. 0: the
	// constant of this name.
	MaxAmbiguousShare float64
}

// Run judges the record of a window of a trace. It returns an error if there is nothing
// to judge: the record cannot be read, or is of another trace.
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

	// When the window began and ended, and the time of the current line.
	started, played, now int64
	through              bool // the window ended by itself
	ttl                  int64
	members              map[string]*member
	matches              map[string]*match
	open                 map[*request]bool     // not judged yet
	unresolved           map[string]*passenger // without an outcome
	agenda               agenda
	lastEnd              int64 // of a passenger's match
	clock                int64 // at most how far the record's clock is ahead of the server's, and a push; the largest: not known
	confirm              int64 // the longest of a request
	edge                 int64 // in a record that is cut off: from here on frames may be missing; 0: nowhere
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
		options: o, header: h, window: w, clock: math.MaxInt64, ttl: int64(h.LocationTTL * 1e6),
		members: map[string]*member{}, matches: map[string]*match{}, open: map[*request]bool{}, unresolved: map[string]*passenger{},
		rowsSent: make([]bool, len(w.Reports)), rowsAcked: make([]bool, len(w.Reports)), lastRow: -1,
		probes: make([]probe, len(w.Cabs)), found: map[string]int{},
	}
	v := &j.verdict
	v.From, v.To, v.Speed = h.From, h.To, h.Speed
	v.AheadSeconds, v.AskedBefore = h.Ahead, w.Earlier
	v.MaxAmbiguousShare = cmp.Or(o.MaxAmbiguousShare, MaxAmbiguousShare)
	v.Members, v.Skipped, v.ErrorsByCode = len(w.Cabs), w.Skipped, map[string]int{}
	return j
}

// event reads a line of the record.
func (j *judge) event(e record.Event) error {
	j.now = max(j.now, e.Micros)
	j.advance()
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
		case !ok: // no client reads it as a frame
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

// sent reads a frame that a member sent.
func (j *judge) sent(m *member, f record.Frame, t int64) error {
	m.spoke = t
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
	case "accept", "decline":
		j.answered(m, f, t)
	case "cancel":
		m.leaving, m.cancel = true, f.ID
		for _, mt := range m.matches {
			if mt.matcher == m && mt.matched == 0 && mt.ending == 0 {
				mt.ending = t
			}
		}
	case "end":
		m.leaving = true
		if mt := j.matches[f.Match]; mt != nil && mt.ending == 0 {
			mt.ending = t
		}
	}
	return nil
}

// row reads a report that is a row of the trace.
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

// rounding is how far a time of the record may be from the time that it is computed from.
const rounding = second / 1000

// turn notes when a row or passenger of the trace was played. It may be late, but not
// early.
func (j *judge) turn(what string, t, unix int64) error {
	late := t - j.header.Wall(j.started, unix)
	if late < -rounding {
		return fmt.Errorf("%s comes %.3f s before it is time: the record is of another trace", what, float64(-late)/1e6)
	}
	j.verdict.BehindMillisMax = max(j.verdict.BehindMillisMax, float64(late)/1e3)
	return nil
}

// received reads a frame that a member received.
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
	case "matched", "welcome", "offered":
		if ahead := t - f.Now*1000; f.Now != 0 && ahead < j.clock {
			j.clock = ahead
		}
		if o := f.Offered(); o != nil {
			j.offered(m, f, *o, t)
		} else if f.Match != "" {
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
	case "pong", "peer":
	default:
		m.doubt(t) // such as API Gateway's, after a function failed
		j.error(m.name, t, "unknown_frame")
	}
}

// refused reads an error frame.
func (j *judge) refused(m *member, f record.Frame, t int64) {
	if m.cancel != "" && f.ID == m.cancel {
		return // the request had its outcome just before
	}
	j.error(m.name, t, f.Code)
	if f.ID == "" {
		m.doubt(t)
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

// findingsKept is how many findings of each kind are kept.
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
