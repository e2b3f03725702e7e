package invariants_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// timers is a queue whose delays pass with the backend's clock.
type timers struct {
	be  *backend
	mu  sync.Mutex
	set []timerSet
}

type timerSet struct {
	at      time.Time
	members []match.Member
}

// withTimers gives the backend timers.
func withTimers(be *backend) *timers {
	q := &timers{be: be}
	be.app.Handler.Service.Timers = q
	return q
}

// Set implements match.Timers.
func (q *timers) Set(_ context.Context, after time.Duration, members ...match.Member) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.set = append(q.set, timerSet{q.be.now().Add(after), members})
	return nil
}

// next moves the clock to the earliest timer and invokes the match function, as the queue does. It
// returns by how much the clock moved.
func (q *timers) next() time.Duration {
	q.be.t.Helper()
	q.mu.Lock()
	if len(q.set) == 0 {
		q.be.t.Fatal("no timer is set")
	}
	slices.SortFunc(q.set, func(a, b timerSet) int { return a.at.Compare(b.at) })
	first := q.set[0]
	q.set = q.set[1:]
	q.mu.Unlock()
	waited := max(0, first.at.Sub(q.be.now()))
	q.be.advance(waited)
	body, err := json.Marshal(first.members)
	q.be.must(err)
	q.be.serveSQS(string(body), 0)
	return waited
}

// serveSQS has the match function serve a message, which so many of it must fail, or with -1 any number.
func (be *backend) serveSQS(body string, failures int) {
	be.t.Helper()
	payload, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{MessageId: "1", Body: body, EventSource: "aws:sqs"}}})
	be.must(err)
	result, err := be.app.Handler.Invoke(be.t.Context(), payload)
	be.must(err)
	var r events.SQSEventResponse
	be.must(json.Unmarshal(result, &r))
	if failures >= 0 && len(r.BatchItemFailures) != failures {
		be.t.Errorf("%s: got %s, want %d failures", body, result, failures)
	}
}

func (be *backend) must(err error) {
	be.t.Helper()
	if err != nil {
		be.t.Fatal(err)
	}
}

func TestBothAreToldOnTimeThatAnOfferHasExpired(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		q := withTimers(be)
		o := offerOn(be, `,"wait":60`)
		o.ben.take()
		if waited := q.next(); waited < 14*time.Second || waited > 16*time.Second {
			t.Errorf("they were looked at after %s, want a moment more than 15 s", waited)
		}
		if e := want[*protocol.Ended](o.ben); e.ID != "" || e.Match != o.match || e.Reason != protocol.ReasonExpired {
			t.Errorf("ben got %+v", e)
		}
		frames := o.ana.take()
		if e := only[*protocol.Ended](t, frames); e.Match != o.match || e.Reason != protocol.ReasonExpired {
			t.Errorf("ana got %+v", e)
		}
		if f := only[*protocol.Offered](t, frames); f.ID != "r1" || f.Match == o.match {
			t.Errorf("the request did not go on: ana got %+v", f)
		}
		want[*protocol.Offered](o.cem)
		o.ana.send("ping", "")
		if f := o.ana.take(); len(f) != 1 {
			t.Errorf("ana was told again: %v", f)
		}
	})
}

func TestTheOwnerIsToldOnTimeThatItsRequestIsOver(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		q := withTimers(be)
		ana := be.join("ana")
		ana.at(lat, lng)
		ana.send("match", `"id":"r1","wait":60`)
		want[*protocol.Waiting](ana)
		if waited := q.next(); waited < 59*time.Second || waited > 61*time.Second {
			t.Errorf("it was looked at after %s, want a moment more than 60 s", waited)
		}
		if f := want[*protocol.NoMatch](ana); f.ID != "r1" {
			t.Errorf("ana got %+v", f)
		}
		ana.send("ping", "")
		if f := ana.take(); len(f) != 1 {
			t.Errorf("ana was told again: %v", f)
		}
	})
}

func TestATimerOfWhatIsSettledTellsNothing(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		q := withTimers(be)
		o := offerOn(be, "")
		o.answer(o.ben, "accept")
		o.ana.take()
		o.ben.take()
		q.next()
		if a, b := o.ana.take(), o.ben.take(); len(a)+len(b) > 0 {
			t.Errorf("ana got %v, ben %v", a, b)
		}
		be.serveSQS(`[{"Pool":"default","ID":"nobody"}]`, 0)
		be.serveSQS(`{`, 1)
	})
}

func TestATimerIsNoSignOfLife(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		q := withTimers(be)
		ana := be.join("ana")
		ana.at(lat, lng)
		ana.send("match", `"id":"r1","wait":60`)
		ana.take()
		ana.disconnect()
		q.next()
		if f := ana.take(); len(f) > 0 {
			t.Errorf("a connection that is gone got %v", f)
		}
		ana = ana.reconnect()
		ana.send("hello", "")
		if f := only[*protocol.NoMatch](t, ana.take()); f.ID != "r1" {
			t.Errorf("ana got %+v", f)
		}
	})
}

func TestATimerThatCannotBeSetLosesNothing(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		be.app.Handler.Service.Timers = noTimers{}
		o := offerOn(be, "")
		be.advance(15 * time.Second)
		o.ana.send("ping", "")
		only[*protocol.Ended](t, o.ana.take())
	})
}

type noTimers struct{}

func (noTimers) Set(context.Context, time.Duration, ...match.Member) error {
	return fmt.Errorf("the queue cannot be reached")
}
