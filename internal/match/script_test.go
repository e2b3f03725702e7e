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

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// A script is what a service is expected to do without a cache. Each step is a call of
// the store, a push, a pause or a log line, with its result:
//
//	s := scripted(t, expect("read ana1", result{Status: match.StatusOK, Now: 9}), expect(`push ana1 {"type":"pong","now":9}`))
//	s.checkError(s.Ping(t.Context(), session("ana"), ""), nil)
//
// The test fails at a call that is not in the script, at one out of order, and if a step
// is left at the end. Time stands still, except in pauses and in steps that have a
// duration.
type script []step

// A step is an expected call, and its outcome.
type step struct {
	call      string
	meanwhile bool // in any order with the steps before
	result    result
	hits      []match.Hits
	waiting   []match.WaitingRequest
	open      bool
	counts    []int
	takes     time.Duration
	err       error
}

// A result has the fields of the results of all calls. Each call returns some of them.
type result struct {
	Status                        match.Status
	Refusal                       match.Refusal
	Searched                      bool
	Now, At, Since                int64
	Old, Connection, Card, Reason string
	NotTaken                      string
	Available, Tags, RequestID    string
	Confirmed, Tell, Pushing      bool
	Missed                        bool
	Waits, Check                  bool
	Mark                          string
	Advice                        match.Advice
	Claim                         *match.Claim
	Route, Unfinished             *match.Route
	Request                       *match.Request
	Position                      *match.Position
	Untold                        []match.Untold
	Skipped                       []protocol.Fix
	Outcome                       match.Outcome
	Stands                        match.Choice
	Lag                           time.Duration
	ClockOff                      bool
	Ends                          []match.End
	Changes                       []match.Change
	Early                         match.By
	Unlisted                      int64
	Offered                       *match.Route
}

// expect is a script of one step. Its outcome has any of: the result or only its status,
// what else the call returns, an error (the service must then ignore the result), and
// the step's duration.
func expect(call string, outcome ...any) script {
	s := step{call: call}
	for _, o := range outcome {
		switch o := o.(type) {
		case result:
			s.result = o
		case match.Status:
			s.result.Status = o
		case []match.Hits:
			s.hits = o
		case []match.WaitingRequest:
			s.waiting = o
		case bool:
			s.open = o
		case []int:
			s.counts = o
		case time.Duration:
			s.takes = o
		case error:
			s.err = o
		default:
			panic(fmt.Sprintf("%s: a %T is no outcome", call, o))
		}
	}
	return script{s}
}

// meanwhile is a step in any order with those before it, up to and including the last
// expect.
func meanwhile(call string, outcome ...any) script {
	one := expect(call, outcome...)
	one[0].meanwhile = true
	return one
}

// join joins scripts.
func join(parts ...script) script { return slices.Concat(parts...) }

// A scriptedService is a service whose store, pusher, log and pauses are a fake that
// follows a script.
type scriptedService struct {
	delivering
	t      *testing.T
	mu     sync.Mutex
	next   []script // the steps to come; those of the first entry may come in any order
	now    time.Time
	ids    int
	failed bool

	// The arguments of the last call that its text in a script does not have.
	begun   match.NewRequest
	report  match.Report
	query   match.Query
	waiting match.WaitingRequest
	want    int // candidates of each cell
}

// scripted returns a service that is to follow the script.
func scripted(t *testing.T, parts ...script) *scriptedService {
	t.Helper()
	s := &scriptedService{t: t, now: time.Unix(0, 0)}
	for _, one := range join(parts...) {
		if !one.meanwhile {
			s.next = append(s.next, nil)
		}
		last := len(s.next) - 1
		s.next[last] = append(s.next[last], one)
	}
	s.Service = &match.Service{Store: fake{s}, Push: fake{s}, Log: slog.New(fake{s}), Sleep: fake{s}.sleep,
		Now: func() time.Time {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.now
		},
		NewID: func() string { s.ids++; return fmt.Sprint(s.ids) }}
	t.Cleanup(func() {
		if len(s.next) > 0 && !s.failed {
			t.Errorf("got the end, want %s", s.next[0])
		}
	})
	return s
}

func (s script) String() string {
	var all []string
	for _, one := range s {
		all = append(all, one.call)
	}
	return strings.Join(all, "\n or ")
}

var errNotInScript = errors.New("the script does not have this call")

// step returns the step of the script for a call of the service.
func (s *scriptedService) step(call string) step {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := script{{call: "the end"}}
	if len(s.next) > 0 {
		next = s.next[0]
	}
	i := slices.IndexFunc(next, func(one step) bool { return one.call == call })
	if i < 0 || s.failed {
		if !s.failed {
			s.t.Errorf("got %s\nwant %s", call, next)
		}
		s.failed = true
		return step{err: errNotInScript}
	}
	one := next[i]
	if s.next[0] = slices.Delete(next, i, i+1); len(s.next[0]) == 0 {
		s.next = s.next[1:]
	}
	s.now = s.now.Add(one.takes)
	return one
}

// checkError fails the test unless a message returned this error. A fault is compared by
// its fields.
func (s *scriptedService) checkError(got, want error) {
	s.t.Helper()
	var fault, wanted *match.Fault
	if errors.As(want, &wanted) && errors.As(got, &fault) {
		if diff := cmp.Diff(wanted, fault); diff != "" {
			s.t.Errorf("(-want +got)\n%s", diff)
		}
	} else if !errors.Is(got, want) {
		s.t.Errorf("got error %v, want %v", got, want)
	}
}

// A cacheError is an error of one step. Each step has its own, so that a test knows which
// is returned.
type cacheError string

func (e cacheError) Error() string { return string(e) }

func (e cacheError) Is(target error) bool { return target == match.ErrUnavailable }

const (
	err1 cacheError = "error 1"
	err2 cacheError = "error 2"
)
