package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/internal/store"
	"waggle/test/kit/caches"
	"waggle/test/mutation/active"
)

// This holds on every cache: which calls the store sends again, and which never.
func TestOnlyRepeatableCallsAreSentAgain(t *testing.T) {
	branches := readBranches(t)
	caches.Every(t, func(t *testing.T, c caches.Cache) {
		direct, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(c.URL, "redis://")}, DisableCache: true})
		if err != nil {
			t.Fatal(err)
		}
		defer direct.Close()
		for name, test := range map[string]func(*fixture){"forgotten": forgotten, "forgotten-once": forgottenOnce, "lost": lostReply, "never": neverSent} {
			t.Run(name, func(t *testing.T) { test(newFixture(t, c, direct, name, branches.rewrite)) })
		}
	})
}

// forget makes every node forget the library. It returns how many trips more that costs: one,
// or none where the cache has no functions.
func (f *fixture) forget() int {
	f.t.Helper()
	for _, node := range f.direct.Nodes() {
		err := node.Do(f.t.Context(), node.B().FunctionFlush().Build()).Error()
		if err != nil && strings.Contains(err.Error(), "unknown command") {
			return 0
		}
		if err != nil && !strings.Contains(err.Error(), "READONLY") { // a replica forgets with its primary
			f.t.Fatal(err)
		}
	}
	return 1
}

// forgotten: a call that finds no library is sent as a text, and all nodes get the library.
func forgotten(f *fixture) {
	members := make([]*member, 30)
	for n := range members {
		members[n] = f.connected(fmt.Sprint("ana", n))
	}
	for range 2 {
		want, texts := f.forget(), 0
		for _, a := range members {
			trips := f.count(func() { same(f, a.snapshot().Connection, a.Connection) })
			texts += trips - 1
		}
		if texts != want {
			f.t.Errorf("30 readings on %d primaries sent a text %d times, want %d", f.cache.Primaries, texts, want)
		}
	}
}

// forgottenOnce: a call that must not be sent twice may be sent again to a node that did
// not have the function, since it was not run.
func forgottenOnce(f *fixture) {
	ana := f.listed("ana", 0)
	for _, step := range []struct {
		take func() any
		want match.Status
	}{
		{func() any { return ana.begin("r1", "m1") }, match.StatusOK},
		{func() any { return ana.giveUp("m1", true) }, match.StatusWaiting},
		{func() any { return ana.lease("m2") }, match.StatusOK},
		{func() any { return ana.cancel() }, match.StatusCancelled},
	} {
		more := f.forget()
		same(f, f.count(func() { f.says(step.take(), step.want) }), 1+more)
	}
}

// A sending is one call of the store.
type sending struct {
	script string
	once   bool
	send   func(context.Context, *store.Store) error
}

// sendings are all calls of the store.
func sendings(ana, ben *member) []sending {
	cells := []geo.Cell{geo.ShardCell(north(0))}
	query := match.Query{Self: ana.Member, Point: north(0), Radius: 1000, Want: 8}
	parts := slices.Repeat([]match.Part{{Cell: cells[0]}}, 8) // enough to ask first which cells have members
	here := match.Report{Position: match.Position{Point: north(0), Seq: 1000}, Arrival: time.UnixMilli(ana.now)}
	request := match.NewRequest{ID: "r1", Match: "m1", Radius: 1000, Open: time.Minute, Wait: true}
	// listIn lists ben in another cell.
	listIn := func(meters float64) func(context.Context, *store.Store) error {
		change := ben.list(ben.now + 1)
		change.Cell, change.Point, change.Tags = geo.ShardCell(north(meters)), north(meters), "queue"
		return func(ctx context.Context, s *store.Store) error {
			_, err := s.Apply(ctx, ben.Member, []match.Change{change})
			return err
		}
	}
	return []sending{
		{"connect", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Connect(ctx, ana.Session, false)
			return err
		}},
		{"read", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Read(ctx, ana.Member, nil, false)
			return err
		}},
		{"report", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Report(ctx, ana.Session, here)
			return err
		}},
		{"skip", false, func(ctx context.Context, s *store.Store) error {
			return s.Skip(ctx, ana.Member, "m1", []protocol.Fix{{At: 1}})
		}},
		{"shown", false, func(ctx context.Context, s *store.Store) error { return s.Shown(ctx, ana.Member, protocol.Fix{At: 1}) }},
		{"list", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Apply(ctx, ana.Member, []match.Change{ana.list(1)})
			return err
		}},
		{"unlist", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Apply(ctx, ana.Member, []match.Change{unlist(0, 1)})
			return err
		}},
		{"relist", false, func(ctx context.Context, s *store.Store) error {
			absent := ana.move(1)
			absent.Cell = geo.ShardCell(north(2 * thirdCell))
			_, err := s.Apply(ctx, ana.Member, []match.Change{absent})
			return err
		}},
		{"mark", false, listIn(nextCell)}, {"marked", false, listIn(thirdCell)},
		{"wake", false, listIn(0)},
		{"search", false, func(ctx context.Context, s *store.Store) error { _, err := s.Search(ctx, parts[:1], query); return err }},
		{"occupied", false, func(ctx context.Context, s *store.Store) error { _, err := s.Search(ctx, parts, query); return err }},
		{"begin", true, func(ctx context.Context, s *store.Store) error {
			_, err := s.Begin(ctx, ana.Session, request)
			return err
		}},
		{"give_up", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.GiveUp(ctx, ana.Member, "m1", true)
			return err
		}},
		{"register", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Register(ctx, cells, ana.waiting(), 8)
			return err
		}},
		{"registered", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Registered(ctx, ana.waiting())
			return err
		}},
		{"lease", true, func(ctx context.Context, s *store.Store) error { _, err := s.Lease(ctx, ana.Member, "m2"); return err }},
		{"claim", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Claim(ctx, ana.Member, "m2", nil, match.Candidate{Member: ben.Member, Position: ben.Position}, false)
			return err
		}},
		{"commit", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Commit(ctx, ana.Member, "m2", ben.Member, 100)
			return err
		}},
		{"confirm", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Confirm(ctx, ana.Member, "m2", ben.Member)
			return err
		}},
		{"watch", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Watch(ctx, ana.Member, "m2", ben.Member)
			return err
		}},
		{"forget", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Forget(ctx, ana.Member)
			return err
		}},
		{"nearby", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Nearby(ctx, ana.Session)
			return err
		}},
		{"count", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Count(ctx, ana.Pool, []geo.Cell{geo.ShardCell(north(0))}, math.MaxInt64) // so that it is not remembered
			return err
		}},
		{"due", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Due(ctx, ana.Member)
			return err
		}},
		{"describe", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Describe(ctx, ana.Member)
			return err
		}},
		{"told", false, func(ctx context.Context, s *store.Store) error {
			return s.Told(ctx, []match.Told{{Member: ana.Member, Connection: ana.Connection, Free: "m2"}})
		}},
		{"published", false, func(ctx context.Context, s *store.Store) error {
			return s.Published(ctx, []match.Unpublished{{Member: ana.Member, Stored: []string{"{}"}}})
		}},
		{"finish", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Finish(ctx, ana.Member, "m2", ben.Member, "left", match.ByMatcher)
			return err
		}},
		{"offer", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Offer(ctx, ana.Member, "m2", ben.Member, 250)
			return err
		}},
		{"accept", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Accept(ctx, ben.Session, "m2")
			return err
		}},
		{"decline", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Decline(ctx, ana.Member, "m2", ben.Member)
			return err
		}},
		{"end", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.End(ctx, ana.Session, "m2", "left")
			return err
		}},
		{"release", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Release(ctx, ana.Member, "m2", ben.Member, "left", match.ByMatcher)
			return err
		}},
		{"retract", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Retract(ctx, ana.Member, ana.now)
			return err
		}},
		{"cancel", true, func(ctx context.Context, s *store.Store) error {
			_, err := s.Cancel(ctx, ana.Session, "", "")
			return err
		}},
		{"withdraw", false, func(ctx context.Context, s *store.Store) error { return s.Withdraw(ctx, cells, ana.waiting()) }},
		{"peer", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Peer(ctx, ana.Member, match.PeerState{Match: "m2", Away: true, Since: ana.now})
			return err
		}},
		{"disconnect", false, func(ctx context.Context, s *store.Store) error {
			_, err := s.Disconnect(ctx, ana.Member, ana.Connection, 0)
			return err
		}},
	}
}

// lostReply: a call whose reply is lost is sent again, unless it must not be repeated.
func lostReply(f *fixture) {
	ended, cancel := context.WithCancel(f.t.Context())
	cancel()
	f.cut(func(ctx context.Context, send func(context.Context, ...int)) {
		send(ctx)
		send(ended)
	})
}

// neverSent: so is a call that was never sent, since the store cannot know that.
func neverSent(f *fixture) {
	f.cut(func(context.Context, func(context.Context, ...int)) {})
}

// cut lets the first trip of every script end in that way.
func (f *fixture) cut(first func(context.Context, func(context.Context, ...int))) {
	ana, ben := f.listed("ana", 0), f.listed("ben", 10)
	f.wait(300, func(_ int, w *match.WaitingRequest) { w.Tags = []string{"queue"} })
	all := sendings(ana, ben)
	if want := len(readBranches(f.t).scripts()); len(all) != want {
		f.t.Errorf("%d calls for %d scripts", len(all), want)
	}
	for _, call := range all {
		sent, cut := 0, false
		f.hook = func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			for _, c := range commands {
				if c.Script == call.script {
					sent++
				}
			}
			if sent > 0 && !cut {
				cut = true
				first(ctx, send)
			} else {
				send(ctx)
			}
		}
		err := call.send(f.t.Context(), f.store)
		f.hook = nil
		switch {
		case call.once && (sent != 1 || !errors.Is(err, match.ErrUnavailable)):
			f.t.Errorf("%s was sent %d times and returned %v, want once and unavailable", call.script, sent, err)
		case !call.once && (sent < 2 || err != nil):
			f.t.Errorf("%s was sent %d times and returned %v, want at least twice and no error", call.script, sent, err)
		}
	}
}

// count counts the trips of an operation.
func (f *fixture) count(operation func()) (trips int) {
	f.hook = func(ctx context.Context, _ []store.Command, send func(context.Context, ...int)) {
		trips++
		send(ctx)
	}
	operation()
	f.hook = nil
	return trips
}

// A server that has no memory left refuses scripts that write. Then the store says
// unavailable, and nothing is half done. Scripts that only read go on.
func TestAFullCacheIsUnavailable(t *testing.T) {
	for name, start := range map[string]func(testing.TB, ...string) caches.Cache{"valkey": caches.Valkey, "redis": caches.Redis} {
		t.Run(name, func(t *testing.T) {
			c := start(t, "--maxmemory-policy", "noeviction")
			memory := func(bytes string) {
				if _, err := caches.Ask(strings.TrimPrefix(c.URL, "redis://"), "CONFIG", "SET", "maxmemory", bytes); err != nil {
					t.Fatal(err)
				}
			}
			f := newFixture(t, c, nil, "full", active.Script)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			snapshots := func() []match.Snapshot {
				all := []match.Snapshot{ana.snapshot(), ben.snapshot()}
				for i := range all {
					all[i].Now = 0 // by a clock that runs
				}
				return all
			}
			before := snapshots()
			memory("1")
			refused := 0
			for _, call := range sendings(ana, ben) {
				if err := call.send(t.Context(), f.store); errors.Is(err, match.ErrUnavailable) {
					refused++
				} else if err != nil {
					t.Errorf("%s: got %v, want no error or unavailable", call.script, err)
				}
			}
			if refused == 0 {
				t.Error("nothing was refused: the cache is not full")
			}
			_, err := f.store.Report(t.Context(), ana.Session, match.Report{Position: match.Position{Point: north(5), Seq: 9}})
			if !errors.Is(err, match.ErrUnavailable) {
				t.Errorf("report: got %v, want unavailable", err)
			}
			same(f, snapshots(), before)
			same(f, f.nearest(0, 100, 8), []string{"ana", "ben"})
			memory("0")
			same(f, snapshots(), before)
			ana.moveTo(5)
		})
	}
}
