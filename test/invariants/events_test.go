package invariants_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/internal/store"
	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// A bus is what the application gets. A fault can meet a publishing like a push.
type bus struct {
	be     *backend
	mu     sync.Mutex
	failed error
	got    []match.Event
}

// withEvents starts a backend whose application gets events.
func withEvents(t *testing.T, c caches.Cache) (*backend, *bus) {
	t.Helper()
	be := newBackend(t, c, unlimited, func(_ *backend, o *store.Options) { o.Events = true })
	b := &bus{be: be}
	be.app.Handler.Service.Bus = b
	return be, b
}

// Publish implements match.Bus.
func (b *bus) Publish(ctx context.Context, events []match.Event) error {
	return b.be.deliver(ctx, "events", "", func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.be.dead.Load() || ctx.Err() != nil {
			return context.Canceled
		}
		if b.failed == nil {
			b.got = append(b.got, events...)
		}
		return b.failed
	})
}

// fail lets every publishing fail, or none.
func (b *bus) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = err
}

// take returns what was published since the last time, and checks that duplicates say the same.
func (b *bus) take() (all []match.Event) {
	b.be.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.got {
		i := slices.IndexFunc(all, func(f match.Event) bool { return f.ID() == e.ID() })
		if i < 0 {
			all = append(all, e)
		} else if diff := cmp.Diff(all[i], e); diff != "" {
			b.be.t.Errorf("two events %s differ (-first +then):\n%s", e.ID(), diff)
		}
		if text := fmt.Sprintf("%+v", e); position.MatchString(text) {
			b.be.t.Errorf("an event has a position: %s", text)
		}
	}
	b.got = nil
	return all
}

// has tells whether an event that is in the cache was published.
func (b *bus) has(stored string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.got, func(e match.Event) bool {
		return strings.Contains(stored, `"`+e.Match+`"`) && strings.Contains(stored, `"`+string(e.Type)+`"`)
	})
}

var position = regexp.MustCompile(`\d\.\d`)

// once returns the types of the events that were published since the last time, none of them twice.
func (b *bus) once() string {
	b.be.t.Helper()
	b.mu.Lock()
	n := len(b.got)
	b.mu.Unlock()
	all := b.take()
	if len(all) != n {
		b.be.t.Errorf("%d events were published, %d of them different", n, len(all))
	}
	var types []string
	for _, e := range all {
		types = append(types, strings.TrimSpace(string(e.Type)+" "+e.Reason))
	}
	return strings.Join(types, ", ")
}

// unpublished returns the events of the pool that are still in the cache, each with its matcher.
func (be *backend) unpublished(pool string) (all []string) {
	be.t.Helper()
	for _, member := range []string{"ana", "ben"} {
		key := "w3:events:{" + pool + "/" + member + "}"
		texts, err := be.direct.Do(be.t.Context(), be.direct.B().Lrange().Key(key).Start(0).Stop(-1).Build()).AsStrSlice()
		be.must(err)
		for _, text := range texts {
			if position.MatchString(text) {
				be.t.Errorf("%s has a position: %s", key, text)
			}
			all = append(all, member+": "+text)
		}
	}
	return all
}

func TestTheApplicationIsToldOfEachChangeOnce(t *testing.T) {
	caches.Each(t, func(t *testing.T, c caches.Cache) {
		be, b := withEvents(t, c)
		s := be.newScene("life")
		step := func(what, want string) {
			t.Helper()
			if got := b.once(); got != want {
				t.Errorf("%s: got the events %q, want %q", what, got, want)
			}
			if left := be.unpublished("life"); len(left) > 0 {
				t.Errorf("%s: these events are left: %s", what, left)
			}
		}
		step("two members connect and report", "")
		s.a.send("match", `"id":"r1","wait":300,"confirm":20`)
		step("a request that finds nobody", "request.waiting")
		s.b.at(s.q.Lat, s.q.Lng)
		step("somebody comes", "match.offered")
		s.match = want[*protocol.Offered](s.a).Match
		s.b.send("decline", `"match":"`+s.match+`"`)
		step("who declines", "match.ended declined")
		s.a.send("cancel", "")
		step("a cancel of a request", "")
		s.a.send("match", `"id":"r2","confirm":20`)
		step("another request", "match.offered")
		s.match = want[*protocol.Offered](s.a).Match
		s.b.send("accept", `"match":"`+s.match+`"`)
		step("an offer that is accepted", "match.matched")
		s.b.report(s.p.Lat, s.p.Lng)
		s.a.send("hello", "")
		s.b.send("hello", "")
		step("messages in the match", "")
		s.b.send("end", `"match":"`+s.match+`"`)
		step("an end by the matchee", "match.ended completed")
		s.a.send("match", `"id":"r3","confirm":10`)
		step("a third request", "match.offered")
		be.advance(11 * time.Second)
		s.a.send("ping", "")
		step("an offer that expires", "match.ended expired")
		s.a.at(s.p.Lat, s.p.Lng)
		s.b.at(s.q.Lat, s.q.Lng)
		s.a.send("match", `"id":"r4"`)
		step("a match at once", "match.matched")
		s.match = want[*protocol.Matched](s.a).Match
		s.a.send("end", `"match":"`+s.match+`","reason":"cancelled"`)
		step("an end by the matcher", "match.ended cancelled")
		s.a.send("match", `"id":"r5","tags":["none"]`)
		step("a request that finds nobody and does not wait", "")
	})
}

// TestAnEventSaysWhoAndWhenAndHowFar: and nothing more.
func TestAnEventSaysWhoAndWhenAndHowFar(t *testing.T) {
	caches.Each(t, func(t *testing.T, c caches.Cache) {
		be, b := withEvents(t, c)
		s := be.newScene("who")
		s.pair()
		s.a.send("end", `"match":"`+s.match+`"`)
		all := b.take()
		for i := range all {
			if age := be.now().Sub(time.UnixMilli(all[i].At)); age < -time.Second || age > 20*time.Second {
				t.Errorf("%s has the time %d, which is %s ago", all[i].ID(), all[i].At, age)
			}
			all[i].At = 0
		}
		ana := match.Member{Pool: "who", ID: "ana"}
		if diff := cmp.Diff([]match.Event{
			{Type: match.EventMatched, Match: s.match, Matcher: ana, Matchee: "ben", Request: "m", Distance: 100},
			{Type: match.EventEnded, Match: s.match, Matcher: ana, Matchee: "ben", Request: "m", Reason: "completed"}}, all); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestNoMatchWithoutItsEvents puts a fault at every command, every push and every publishing of every
// operation. After that, the next message of either side publishes what is left of both.
func TestNoMatchWithoutItsEvents(t *testing.T) {
	caches.Every(t, func(t *testing.T, c caches.Cache) {
		be, b := withEvents(t, c)
		stride := kit.Times(5, 1)
		if c.Name == "embedded" || testing.Short() { // it is slow
			stride *= 4
		}
		scenes := 0
		for i, o := range operations() {
			for j, f := range []fault{dies, misses, loses, losesOnce, twice} {
				for n, more := (i+j)%stride, true; more; n += stride {
					be.flush()
					b.take()
					scenes++
					pool := fmt.Sprint("cut-", scenes)
					s := be.newScene(pool)
					o.prepare(s)
					more = be.withFault(n, f, func() { o.fault(s) }) > n+stride
					be.advance(16 * time.Second)
					at := fmt.Sprintf("%s: the process %s at event %d", o.name, f, n)
					side, name := &s.a, "ana"
					if scenes%2 == 0 {
						side, name = &s.b, "ben"
					}
					s.ensureConnected(side)
					if scenes%3 == 0 {
						(*side).send("hello", "")
					} else {
						(*side).send("ping", "")
					}
					for _, left := range be.unpublished(pool) {
						if strings.Contains(left, name) && !b.has(left) { // perhaps it was published, and not taken out
							t.Errorf("%s: after a message of %s this is left: %s", at, name, left)
						}
					}
					for _, side := range []**client{&s.a, &s.b} {
						s.ensureConnected(side)
						(*side).send("hello", "")
					}
					s.a.send("cancel", "")
					be.must(s.endMatch())
					if left := be.unpublished(pool); len(left) > 0 {
						t.Errorf("%s: at the end these are left: %s", at, left)
					}
					s.toldOf(at, b.take())
				}
			}
		}
		t.Logf("note: events under cuts: %d faulty runs on %s", scenes, be.cache)
	})
}

// toldOf wants an event of each match and each offer that a client was told of, and of the end of each.
func (s *scene) toldOf(at string, events []match.Event) {
	s.t.Helper()
	has := make(map[string]bool)
	for _, e := range events {
		has[e.ID()] = true
	}
	for _, e := range events {
		if (e.Type == match.EventMatched || e.Type == match.EventOffered) && !has[e.Match+".ended"] {
			s.t.Errorf("%s: there is %s, and no end", at, e.ID())
		}
	}
	for _, c := range []*client{s.a, s.b} {
		for _, f := range c.sent() {
			id := ""
			switch f := f.(type) {
			case *protocol.Matched:
				id = f.Match + ".matched"
			case *protocol.Offered:
				id = f.Match + ".offered"
			}
			if id != "" && !has[id] {
				s.t.Errorf("%s: %s was told of %s, the application was not", at, c.id.Member, id)
			}
		}
	}
}

var errBus = errors.New("the bus cannot be reached")

// TestABusThatCannotBeReachedLosesNothing: the members are told all the same, and a timer or their
// next messages publish what is left.
func TestABusThatCannotBeReachedLosesNothing(t *testing.T) {
	caches.Each(t, func(t *testing.T, c caches.Cache) {
		be, b := withEvents(t, c)
		q := withTimers(be)
		s := be.newScene("away")
		b.fail(errBus)
		s.pair()
		b.fail(nil)
		again := func(one timerSet) bool {
			waits := one.at.Sub(be.now())
			return waits > 4*time.Minute && waits <= 5*time.Minute
		}
		if !slices.ContainsFunc(q.set, again) {
			t.Errorf("the timers %v are set, want one in 5 minutes", q.set)
		}
		q.next() // of the match, which is sooner
		if got := b.once(); got != "match.matched" {
			t.Errorf("got %q, want the match", got)
		}
		b.fail(errBus)
		s.a.at(s.p.Lat, s.p.Lng)
		for range 12 {
			s.a.send("end", `"match":"`+s.a.hello().Match.Match+`"`)
			s.b.at(s.q.Lat, s.q.Lng)
			s.a.send("match", "")
		}
		s.a.send("end", `"match":"`+s.a.hello().Match.Match+`"`)
		if text := `level=ERROR msg="` + match.Unpublishable + `" events=`; !strings.Contains(be.log.text(), text) {
			t.Errorf("the log does not say %s:\n%s", text, be.log.text())
		}
		b.fail(nil)
		be.advance(4 * time.Second)
		s.b.send("ping", "") // the matchee's, with more events than a step returns
		if got := strings.Count(b.once(), "match."); got != 25 {
			t.Errorf("%d events were published, want 12 matches and 13 ends", got)
		}
		if left := be.unpublished("away"); len(left) > 0 {
			t.Errorf("these are left: %s", left)
		}
	})
}

func TestEventsComeAfterThePushes(t *testing.T) {
	caches.Each(t, func(t *testing.T, c caches.Cache) {
		be, b := withEvents(t, c)
		s := be.newScene("order")
		s.b.at(s.q.Lat, s.q.Lng)
		pushes := 0
		hook := pushHook(func(_ context.Context, kind, _ string, deliver func() error) error {
			be.mu.Lock()
			if kind != "events" {
				pushes++
			} else if pushes < 2 {
				t.Errorf("events were published after %d pushes", pushes)
			}
			be.mu.Unlock()
			return deliver()
		})
		be.pushHook.Store(&hook)
		s.a.send("match", `"id":"m"`)
		be.pushHook.Store(nil)
		s.match = want[*protocol.Matched](s.a).Match
		if b.once() == "" {
			t.Error("there was no event")
		}
	})
}

// TestEventsCostTripsOnlyWhereThereAreSome: one, after everything else.
func TestEventsCostTripsOnlyWhereThereAreSome(t *testing.T) {
	caches.Each(t, func(t *testing.T, c caches.Cache) {
		with, _ := withEvents(t, c)
		var all [][]int
		for _, be := range []*backend{newBackend(t, c, unlimited), with} {
			be.flush()
			var trips []int
			s := be.newScene("trips")
			s.pair()
			for _, do := range []func(){
				func() { s.b.report(s.p.Lat, s.p.Lng) },
				func() { s.b.report(s.q.Lat, s.q.Lng) },
				func() { s.a.send("ping", "") },
				func() { s.a.send("end", `"match":"`+s.match+`"`) },
				func() { s.b.send("ping", "") },
				func() { s.a.send("match", "") },
			} {
				_, n, _ := be.count(0, do)
				trips = append(trips, n)
			}
			all = append(all, trips)
		}
		want := slices.Clone(all[0])
		want[3]++ // the end
		want[5]++ // the match
		if diff := cmp.Diff(want, all[1]); diff != "" {
			t.Errorf("trips of each step (-want +got):\n%s", diff)
		}
	})
}

func TestAForgottenMemberLeavesNoEvent(t *testing.T) {
	caches.Each(t, func(t *testing.T, c caches.Cache) {
		be, b := withEvents(t, c)
		for _, away := range []error{nil, errBus} {
			for _, member := range []string{"ana", "ben"} {
				be.flush()
				b.take()
				pool := fmt.Sprint("forget-", member, away != nil)
				s := be.newScene(pool)
				s.pair()
				b.fail(away)
				s.verb("member.forget", `"member":"`+member+`"`)
				b.fail(nil)
				if got := b.once(); away == nil && got != "match.matched, match.ended cancelled" {
					t.Errorf("got %q, want the end of its match", got)
				}
				left := be.unpublished(pool)
				if member == "ben" && away != nil { // they are the matcher's
					be.advance(4 * time.Second)
					s.a.send("ping", "")
					left = be.unpublished(pool)
				}
				if len(left) > 0 {
					t.Errorf("%s was forgotten, and these are left: %s", member, left)
				}
			}
		}
	})
}
