package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/store"
	"waggle/test/kit/caches"
)

// A scene is a pool of its own on a cache, with a clock that stands still until it
// is moved: so a moment is met to the millisecond.
type scene struct {
	t       *testing.T
	cache   caches.Cache
	direct  valkey.Client // to look at what is stored
	rewrite func(name, text string) string
	store   *store.Store
	hook    store.Hook // makes the trips, where it is set
	pool    string
	now     int64 // epoch ms
}

// dawn is when every scene begins, epoch ms.
const dawn = 1_800_000_000_000

// unlimited are settings without rates to speak of.
const unlimited = `"reportsPerSecond":1e6,"reportsBurst":1e6,"requestsPerMinute":1e6,"matchesPerHour":1e6`

func newScene(t *testing.T, c caches.Cache, direct valkey.Client, name string, rewrite func(name, text string) string) *scene {
	t.Helper()
	s := &scene{t: t, cache: c, direct: direct, rewrite: rewrite, pool: name, now: dawn}
	s.rules(unlimited)
	return s
}

// rules opens the store with these settings of the pool, which are the default ones
// but for that.
func (s *scene) rules(settings string) {
	s.t.Helper()
	pools, err := pool.Parse([]byte(`{"pools":{"default":{` + settings + `}}}`))
	if err != nil {
		s.t.Fatal(err)
	}
	s.store, err = store.Open(store.Options{URL: s.cache.URL, Pools: pools, Rewrite: s.rewrite,
		Offset: func() time.Duration { return time.Duration(s.now) * time.Millisecond },
		Hook: func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			if s.hook != nil {
				s.hook(ctx, commands, send)
			} else {
				send(ctx)
			}
		}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.store.Close)
}

// pass moves time on.
func (s *scene) pass(d time.Duration) { s.now += d.Milliseconds() }

// is fails the test unless the answer is that one whole; its Now goes without saying.
func (s *scene) is(got, want match.Answer) {
	s.t.Helper()
	want.Now = s.now
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Fatalf("(-want +got)\n%s", diff)
	}
}

// repeats fails the test unless the answer is the outcome of an earlier request.
func (s *scene) repeats(got match.Answer, want match.Outcome) {
	s.t.Helper()
	s.is(got, match.Answer{Status: match.StatusRepeat, Outcome: want})
}

// says fails the test unless the answer has that status.
func (s *scene) says(got match.Answer, want match.Status) {
	s.t.Helper()
	if got.Status != want {
		s.t.Fatalf("got %q, want %q: %+v", got.Status, want, got)
	}
}

// same fails the test unless both are equal.
func same[T any](s *scene, got, want T) {
	s.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Fatalf("(-want +got)\n%s", diff)
	}
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// north is a point so many metres north of where scenes play, which is near the middle
// of a shard cell. Some 12 km further is another cell, and after 24 km a third.
func north(meters float64) geo.Point {
	const metersPerDegree = 111_194.9
	return geo.Point{Lat: 37.7749 + meters/metersPerDegree, Lng: -122.4194}
}

const (
	there  = 12_000
	yonder = 24_000
)

// key is where something of a member, or of a cell, is stored.
func (s *scene) key(kind, id string) string { return "w1:" + kind + ":{" + s.pool + "/" + id + "}" }

// ttl is how long a key has left to live.
func (s *scene) ttl(key string) time.Duration {
	s.t.Helper()
	left, err := s.direct.Do(s.t.Context(), s.direct.B().Pttl().Key(key).Build()).AsInt64()
	s.must(err)
	return time.Duration(left) * time.Millisecond
}

// wear leaves a key so long to live.
func (s *scene) wear(key string, left time.Duration) {
	s.t.Helper()
	s.must(s.direct.Do(s.t.Context(), s.direct.B().Pexpire().Key(key).Milliseconds(left.Milliseconds()).Build()).Error())
}

// evict makes the cache lose a key.
func (s *scene) evict(key string) {
	s.t.Helper()
	s.must(s.direct.Do(s.t.Context(), s.direct.B().Del().Key(key).Build()).Error())
}

// stored is what a hash of a member, or of a cell, holds.
func (s *scene) stored(kind string, id any) map[string]string {
	s.t.Helper()
	fields, err := s.direct.Do(s.t.Context(), s.direct.B().Hgetall().Key(s.key(kind, fmt.Sprint(id))).Build()).AsStrMap()
	s.must(err)
	return fields
}

// whole spells numbers, for names.
func whole(n ...int64) string { return strings.ReplaceAll(fmt.Sprint(n), " ", "-") }
