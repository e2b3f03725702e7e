package match_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// A play is a service without a cache. Each step that it takes, each push, pause and
// warning is a line, written beforehand with what comes of it:
//
//	perform(t, on("read ana1", says{Status: match.StatusOK, Now: 9}), on(`push ana1 {"type":"pong","now":9}`)).
//		Ping(t.Context(), session("ana"), "")
//
// The test fails by a line that is not written, by one out of turn, and by one that is
// left at the end. Time stands still but for pauses, and lines that take some.
type play struct {
	delivering
	t       *testing.T
	mu      sync.Mutex
	acts    []lines // to come, of which only the first is on
	now     time.Time
	ids     int
	strayed bool

	// What lines do not say of the last of their kind.
	begun   match.NewRequest
	report  match.Report
	query   match.Query
	waiting match.WaitingRequest
}

// A line is what the service does, and what comes of it.
type line struct {
	does    string
	beside  bool // at the same time as the line before
	answer  says
	hits    []match.Hits
	waiting []match.WaitingRequest
	open    bool
	takes   time.Duration
	err     error
}

type lines []line

// says is what a step may return: the fields of all results, of which each step has some.
type says struct {
	Status                        match.Status
	Now, At, Epoch                int64
	Old, Connection, Card, Reason string
	Available, RequestID          string
	Confirmed, Notified, Missed   bool
	Waits, Listed, AdviceChanged  bool
	Advice                        match.Advice
	Claim                         *match.Claim
	Route, Unfinished             *match.Route
	Request                       *match.Request
	Position                      *match.Position
	NoMatch                       *match.NoMatch
	Outcome                       match.Outcome
	Ends                          []match.End
	Changes, Undo                 []match.Change
	Index                         match.Move
}

// on is a line. What comes of it: nothing, an answer or its status, what else the step
// returns, an error (an answer beside it counts for nothing), and how long it takes.
func on(does string, comes ...any) lines {
	l := line{does: does}
	for _, c := range comes {
		switch c := c.(type) {
		case says:
			l.answer = c
		case match.Status:
			l.answer.Status = c
		case []match.Hits:
			l.hits = c
		case []match.WaitingRequest:
			l.waiting = c
		case bool:
			l.open = c
		case time.Duration:
			l.takes = c
		case error:
			l.err = c
		default:
			panic(fmt.Sprintf("%s: nothing comes of a %T", does, c))
		}
	}
	return lines{l}
}

// beside is a line in any order with those before it, up to the last that is not.
func beside(does string, comes ...any) lines {
	l := on(does, comes...)
	l[0].beside = true
	return l
}

func act(parts ...lines) lines { return slices.Concat(parts...) }

// perform returns a service that is to do that.
func perform(t *testing.T, parts ...lines) *play {
	t.Helper()
	p := &play{t: t, now: time.Unix(0, 0)}
	for _, l := range act(parts...) {
		if !l.beside {
			p.acts = append(p.acts, nil)
		}
		last := len(p.acts) - 1
		p.acts[last] = append(p.acts[last], l)
	}
	p.Service = &match.Service{Store: stage{p}, Push: stage{p}, Log: slog.New(stage{p}), Sleep: stage{p}.sleep,
		Now: func() time.Time {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.now
		},
		NewID: func() string { p.ids++; return fmt.Sprint(p.ids) }}
	t.Cleanup(func() {
		if len(p.acts) > 0 && !p.strayed {
			t.Errorf("got the end, want %s", p.acts[0])
		}
	})
	return p
}

func (l lines) String() string {
	var all []string
	for _, one := range l {
		all = append(all, one.does)
	}
	return strings.Join(all, "\n or ")
}

var errStrayed = errors.New("that is not written")

// step is one that the service takes.
func (p *play) step(does string) line {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := lines{{does: "the end"}}
	if len(p.acts) > 0 {
		next = p.acts[0]
	}
	i := slices.IndexFunc(next, func(l line) bool { return l.does == does })
	if i < 0 || p.strayed {
		if !p.strayed {
			p.t.Errorf("got %s\nwant %s", does, next)
		}
		p.strayed = true
		return line{err: errStrayed}
	}
	l := next[i]
	if p.acts[0] = slices.Delete(next, i, i+1); len(p.acts[0]) == 0 {
		p.acts = p.acts[1:]
	}
	p.now = p.now.Add(l.takes)
	return l
}

// ends fails the test unless the error is that one: a fault by what it says, others by
// what they are.
func (p *play) ends(got, want error) {
	p.t.Helper()
	var fault, wanted *match.Fault
	if errors.As(want, &wanted) && errors.As(got, &fault) {
		if diff := cmp.Diff(wanted, fault); diff != "" {
			p.t.Errorf("(-want +got)\n%s", diff)
		}
	} else if !errors.Is(got, want) {
		p.t.Errorf("got error %v, want %v", got, want)
	}
}

// Errors of different steps.
type trouble string

func (e trouble) Error() string { return string(e) }

func (e trouble) Is(target error) bool { return target == match.ErrUnavailable }

const (
	trouble1 trouble = "trouble 1"
	trouble2 trouble = "trouble 2"
)

// A session is called by its connection, which is the member's first.
func session(name string) match.Session {
	return match.Session{Member: member(name), Connection: name + "1", Expires: time.UnixMilli(7_200_000), Matcher: true, Matchee: true}
}

// here is where plays are set, near the middle of a shard cell.
func here() geo.Point { return geo.Point{Lat: 37.775, Lng: -122.42} }

// north is a place some 111 m north of here, or so many times that.
func north(times float64, at int64) match.Position {
	return match.Position{Point: geo.Point{Lat: (37_775 + times) / 1000, Lng: here().Lng}, At: at}
}

// seen is a candidate there, by a report of time 5.
func seen(name string, times float64) match.Candidate {
	c := match.Candidate{Member: member(name), Position: north(times, 5)}
	c.Distance = geo.Distance(here(), c.Point)
	return c
}

// hits are those of one cell.
func hits(found ...match.Candidate) []match.Hits { return []match.Hits{{Candidates: found}} }

// wish is a request of a message m1 that does not wait.
func wish() match.Request {
	return match.Request{ID: "m1", Point: here(), Radius: 500, Created: 1, Deadline: 1001}
}

// longing is one that waits.
func longing() match.Request {
	r := wish()
	r.Wait, r.Deadline = true, 30_001
	return r
}

func waiter(owner string, created int64, distance float64) match.WaitingRequest {
	r := longing()
	r.Created = created
	return match.WaitingRequest{Owner: member(owner), Request: r, Distance: distance}
}

// gains is an answer that a step was done for a request.
func gains(status match.Status, r match.Request) says {
	return says{Status: status, Request: &r}
}

// meet makes two who are not connected a match, once one has claimed the other.
func meet(matcher, id, matchee string) lines {
	return act(made(matcher, id, matchee), on("apply "+matcher), beside("apply "+matchee), on("notified "+matcher+" "+id+" active"))
}

// made is a match of which nobody was notified yet.
func made(matcher, id, matchee string) lines {
	at := north(1, 5)
	return act(on("commit "+matcher+" "+id+" "+matchee, gains(match.StatusYours, wish())),
		on("confirm "+matcher+" "+id+" "+matchee, says{Status: match.StatusYours, Position: &at}))
}
