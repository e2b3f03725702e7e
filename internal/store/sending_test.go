package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/store"
	"waggle/test/kit/caches"
)

// TestSending holds the store to what it sends again, and what never, on every cache.
func TestSending(t *testing.T) {
	branches := readBranches(t)
	caches.Every(t, func(t *testing.T, c caches.Cache) {
		direct, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(c.URL, "redis://")}, DisableCache: true})
		if err != nil {
			t.Fatal(err)
		}
		defer direct.Close()
		for name, test := range map[string]func(*scene){"forgotten": forgotten, "forgotten-once": forgottenOnce, "lost": lost, "never": neverSent} {
			t.Run(name, func(t *testing.T) { test(newScene(t, c, direct, name, branches.rewrite)) })
		}
	})
}

// forget makes every node forget the scripts.
func (s *scene) forget() {
	s.t.Helper()
	for _, node := range s.direct.Nodes() {
		s.must(node.Do(s.t.Context(), node.B().ScriptFlush().Build()).Error())
	}
}

// forgotten: a node that does not know a script is sent its text, once.
func forgotten(s *scene) {
	members := make([]*actor, 30)
	for n := range members {
		members[n] = s.join(fmt.Sprint("ana", n))
	}
	for range 2 {
		s.forget()
		taught := 0
		for _, a := range members {
			trips := s.count(func() { same(s, a.seen().Connection, a.Connection) })
			taught += trips - 1
		}
		if taught != s.cache.Primaries {
			s.t.Errorf("30 readings on %d primaries sent the text %d times", s.cache.Primaries, taught)
		}
	}
}

// forgottenOnce: what must not be sent twice may be where it was not run.
func forgottenOnce(s *scene) {
	ana := s.stand("ana", 0)
	for _, step := range []struct {
		take func() match.Answer
		want match.Status
	}{
		{func() match.Answer { return ana.begin("r1", "m1") }, match.StatusOK},
		{func() match.Answer { return ana.fall("m1", true) }, match.StatusWaiting},
		{func() match.Answer { return ana.lease("m2") }, match.StatusOK},
		{ana.cancel, match.StatusCancelled},
	} {
		s.forget()
		same(s, s.count(func() { s.says(step.take(), step.want) }), 2)
	}
}

// A sending is one call of the store.
type sending struct {
	script string
	once   bool
	send   func(context.Context, *store.Store) error
}

// sendings are all calls of the store.
func sendings(ana, ben *actor) []sending {
	cells := []geo.Cell{geo.ShardCell(north(0))}
	query := match.Query{Self: ana.Member, Point: north(0), Radius: 1000, Want: 8}
	here := match.Report{Position: match.Position{Point: north(0), Seq: 1000}, Arrival: time.UnixMilli(ana.now)}
	opening := match.Opening{ID: "r1", Match: "m1", Radius: 1000, Patience: time.Minute, Wait: true, Search: &query}
	only := func(_ match.Answer, err error) error { return err }
	return []sending{
		{"connect", false, func(ctx context.Context, s *store.Store) error { return only(s.Connect(ctx, ana.Session)) }},
		{"read", false, func(ctx context.Context, s *store.Store) error { return only(s.Read(ctx, ana.Member, nil, false)) }},
		{"report", false, func(ctx context.Context, s *store.Store) error {
			_, _, err := s.Report(ctx, ana.Session, here)
			return err
		}},
		{"index", false, func(ctx context.Context, s *store.Store) error {
			_, _, err := s.Report(ctx, ana.Session, here)
			return err
		}},
		{"relist", false, func(ctx context.Context, s *store.Store) error { return only(s.Relist(ctx, ana.Member)) }},
		{"list", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Apply(ctx, ana.Member, []match.Change{ana.list(1)})
			return err
		}},
		{"unlist", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Apply(ctx, ana.Member, []match.Change{unlist(0, 1)})
			return err
		}},
		{"search", false, func(ctx context.Context, s *store.Store) error { _, err := s.Search(ctx, cells, query); return err }},
		{"begin", true, func(ctx context.Context, s *store.Store) error {
			_, _, err := s.Begin(ctx, ana.Session, opening)
			return err
		}},
		{"fall", false, func(ctx context.Context, s *store.Store) error { return only(s.Fall(ctx, ana.Member, "m1", true)) }},
		{"register", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Register(ctx, cells, ana.waiter(), query)
			return err
		}},
		{"registered", false, func(ctx context.Context, s *store.Store) error { _, err := s.Registered(ctx, ana.waiter()); return err }},
		{"lease", true, func(ctx context.Context, s *store.Store) error { return only(s.Lease(ctx, ana.Member, "m2")) }},
		{"claim", false, func(ctx context.Context, s *store.Store) error {
			return only(s.Claim(ctx, ana.Member, "m2", nil, match.Candidate{Member: ben.Member, Position: ben.Position}))
		}},
		{"commit", false, func(ctx context.Context, s *store.Store) error {
			return only(s.Commit(ctx, ana.Member, "m2", ben.Member))
		}},
		{"confirm", false, func(ctx context.Context, s *store.Store) error {
			return only(s.Confirm(ctx, ana.Member, "m2", ben.Member))
		}},
		{"watch", false, func(ctx context.Context, s *store.Store) error {
			return only(s.Watch(ctx, ana.Member, "m2", ben.Member))
		}},
		{"told", false, func(ctx context.Context, s *store.Store) error { return s.Told(ctx, ana.Member, "m2", match.Active) }},
		{"finish", false, func(ctx context.Context, s *store.Store) error {
			return only(s.Finish(ctx, ana.Member, "m2", ben.Member, "left"))
		}},
		{"release", false, func(ctx context.Context, s *store.Store) error {
			return only(s.Release(ctx, ana.Member, "m2", ben.Member, "left"))
		}},
		{"cancel", true, func(ctx context.Context, s *store.Store) error { return only(s.Cancel(ctx, ana.Session)) }},
		{"withdraw", false, func(ctx context.Context, s *store.Store) error { return s.Withdraw(ctx, cells, ana.waiter()) }},
		{"disconnect", false, func(ctx context.Context, s *store.Store) error {
			return only(s.Disconnect(ctx, ana.Member, ana.Connection, 0))
		}},
	}
}

// lost: a call whose reply is lost is sent again, but for those that must not be.
func lost(s *scene) {
	ended, cancel := context.WithCancel(s.t.Context())
	cancel()
	s.cut(func(ctx context.Context, send func(context.Context, ...int)) {
		send(ctx)
		send(ended)
	})
}

// neverSent: so is one that was never sent, since nobody knows.
func neverSent(s *scene) {
	s.cut(func(context.Context, func(context.Context, ...int)) {})
}

// cut makes the first trip of every call in that way.
func (s *scene) cut(first func(context.Context, func(context.Context, ...int))) {
	ana, ben := s.stand("ana", 0), s.stand("ben", 10)
	all := sendings(ana, ben)
	if want := len(readBranches(s.t).scripts()); len(all) != want {
		s.t.Errorf("%d calls for %d scripts", len(all), want)
	}
	for _, call := range all {
		sent, trips := 0, 0
		s.hook = func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			for _, c := range commands {
				if c.Script == call.script {
					sent++
				}
			}
			if trips++; trips == 1 {
				first(ctx, send)
			} else {
				send(ctx)
			}
		}
		err := call.send(s.t.Context(), s.store)
		s.hook = nil
		switch {
		case call.once && (sent != 1 || !errors.Is(err, match.ErrUnavailable)):
			s.t.Errorf("%s was sent %d times and came to %v, want once, and unavailable", call.script, sent, err)
		case !call.once && (sent < 2 || err != nil):
			s.t.Errorf("%s was sent %d times and came to %v, want again, and an answer", call.script, sent, err)
		}
	}
}

// count counts the trips of an operation.
func (s *scene) count(operation func()) (trips int) {
	s.hook = func(ctx context.Context, _ []store.Command, send func(context.Context, ...int)) {
		trips++
		send(ctx)
	}
	operation()
	s.hook = nil
	return trips
}

// TestFullCache: a server that has no memory left refuses what writes. That is
// unavailable, and nothing is half done; what only reads goes on.
func TestFullCache(t *testing.T) {
	for name, start := range map[string]func(testing.TB, ...string) caches.Cache{"valkey": caches.Valkey, "redis": caches.Redis} {
		t.Run(name, func(t *testing.T) {
			c := start(t, "--maxmemory-policy", "noeviction")
			memory := func(bytes string) {
				if _, err := caches.Ask(strings.TrimPrefix(c.URL, "redis://"), "CONFIG", "SET", "maxmemory", bytes); err != nil {
					t.Fatal(err)
				}
			}
			s := newScene(t, c, nil, "full", nil)
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			standing := func() []match.Answer {
				all := []match.Answer{ana.seen(), ben.seen()}
				for i := range all {
					all[i].Now = 0 // by a clock that goes
				}
				return all
			}
			before := standing()
			memory("1")
			refused := 0
			for _, call := range sendings(ana, ben) {
				if err := call.send(t.Context(), s.store); errors.Is(err, match.ErrUnavailable) {
					refused++
				} else if err != nil {
					t.Errorf("%s: got %v, want an answer or unavailable", call.script, err)
				}
			}
			if refused == 0 {
				t.Error("nothing was refused: the cache is not full")
			}
			_, _, err := s.store.Report(t.Context(), ana.Session, match.Report{Position: match.Position{Point: north(5), Seq: 9}})
			if !errors.Is(err, match.ErrUnavailable) {
				t.Errorf("report: got %v, want unavailable", err)
			}
			same(s, standing(), before)
			same(s, s.nearest(0, 100, 8), []string{"ana", "ben"})
			memory("0")
			same(s, standing(), before)
			ana.at(5)
		})
	}
}
