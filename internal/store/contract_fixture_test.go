package store_test

import (
	"context"
	"fmt"
	"reflect"
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
type fixture struct {
	t       *testing.T
	cache   caches.Cache
	direct  valkey.Client // to look at what is stored
	rewrite func(name, text string) string
	store   *store.Store
	hook    store.Hook // sends the commands, where it is set
	pool    string
	now     int64 // epoch ms
}

// start is the time at which every fixture starts, epoch ms.
const start = 1_800_000_000_000

// unlimited are settings whose rates no test reaches.
const unlimited = `"reportsPerSecond":1e6,"reportsBurst":1e6,"requestsPerMinute":1e6,"matchesPerHour":1e6`

func newFixture(t *testing.T, c caches.Cache, direct valkey.Client, name string, rewrite func(name, text string) string) *fixture {
	t.Helper()
	s := &fixture{t: t, cache: c, direct: direct, rewrite: rewrite, pool: name, now: start}
	s.settings(unlimited)
	return s
}

// settings opens the store with these settings of the pool. The others have their
// default values.
func (s *fixture) settings(settings string) {
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

// advance moves the clock.
func (s *fixture) advance(d time.Duration) { s.now += d.Milliseconds() }

// is fails the test unless the result is that one whole. Where results of its type have
// the time, it must be the fixture's.
func (s *fixture) is(got, want any) {
	s.t.Helper()
	timed := reflect.New(reflect.TypeOf(want)).Elem()
	timed.Set(reflect.ValueOf(want))
	if now := timed.FieldByName("Now"); now.IsValid() {
		now.SetInt(s.now)
	}
	if diff := cmp.Diff(timed.Interface(), got); diff != "" {
		s.t.Fatalf("(-want +got)\n%s", diff)
	}
}

// repeats fails the test unless the result is the outcome of an earlier request.
func (s *fixture) repeats(got match.Begun, want match.Outcome) {
	s.t.Helper()
	s.is(got, match.Begun{Status: match.StatusRepeat, Outcome: want})
}

// says fails the test unless the result has that status.
func (s *fixture) says(got any, want match.Status) {
	s.t.Helper()
	if status := reflect.ValueOf(got).FieldByName("Status").Interface(); status != want {
		s.t.Fatalf("got %q, want %q: %+v", status, want, got)
	}
}

// same fails the test unless both are equal.
func same[T any](s *fixture, got, want T) {
	s.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Fatalf("(-want +got)\n%s", diff)
	}
}

func (s *fixture) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// north is a point so many metres north of a place near the middle of a shard cell. Some
// 12 km further is another cell, and after 24 km a third.
func north(meters float64) geo.Point {
	const metersPerDegree = 111_194.9
	return geo.Point{Lat: 37.7749 + meters/metersPerDegree, Lng: -122.4194}
}

const (
	nextCell  = 12_000
	thirdCell = 24_000
)

// key is where something of a member, or of a cell, is stored.
func (s *fixture) key(kind, id string) string { return "w2:" + kind + ":{" + s.pool + "/" + id + "}" }

// ttl is how long a key has left to live.
func (s *fixture) ttl(key string) time.Duration {
	s.t.Helper()
	left, err := s.direct.Do(s.t.Context(), s.direct.B().Pttl().Key(key).Build()).AsInt64()
	s.must(err)
	return time.Duration(left) * time.Millisecond
}

// shorten leaves a key so long to live.
func (s *fixture) shorten(key string, left time.Duration) {
	s.t.Helper()
	s.must(s.direct.Do(s.t.Context(), s.direct.B().Pexpire().Key(key).Milliseconds(left.Milliseconds()).Build()).Error())
}

// evict takes a key out of the cache.
func (s *fixture) evict(key string) {
	s.t.Helper()
	s.must(s.direct.Do(s.t.Context(), s.direct.B().Del().Key(key).Build()).Error())
}

// stored is what a hash of a member, or of a cell, holds.
func (s *fixture) stored(kind string, id any) map[string]string {
	s.t.Helper()
	fields, err := s.direct.Do(s.t.Context(), s.direct.B().Hgetall().Key(s.key(kind, fmt.Sprint(id))).Build()).AsStrMap()
	s.must(err)
	return fields
}

// whole spells numbers, for names.
func whole(n ...int64) string { return strings.ReplaceAll(fmt.Sprint(n), " ", "-") }
