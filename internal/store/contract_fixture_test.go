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
	"waggle/internal/store/records"
	"waggle/test/kit/caches"
)

// A fixture is a pool of its own on a cache. Its clock stands still until a test moves
// it, so that deadlines can be tested to the millisecond.
type fixture struct {
	t       *testing.T
	cache   caches.Cache
	direct  valkey.Client // to look at what is stored
	rewrite func(name, text string) string
	store   *store.Store
	hook    store.Hook // sends the commands, where it is set
	sleep   func(context.Context, time.Duration) error
	events  bool // the scripts write events
	pool    string
	now     int64 // epoch ms
}

// start is the time at which every fixture starts, epoch ms.
const start = 1_800_000_000_000

// unlimited are settings whose rates no test reaches.
const unlimited = `"reportsPerSecond":1e6,"reportsBurst":1e6,"requestsPerMinute":1e6,"matchesPerHour":1e6,"harvestPerHour":1e6,"nearbyPerMinute":1e6,"messagesPerSecond":1e6,"messagesBurst":1e6,"maxSpeed":0`

func newFixture(t *testing.T, c caches.Cache, direct valkey.Client, name string, rewrite func(name, text string) string) *fixture {
	t.Helper()
	f := &fixture{t: t, cache: c, direct: direct, rewrite: rewrite, pool: name, now: start}
	f.settings(unlimited)
	return f
}

// settings opens the store with these settings of the pool. The others have their
// default values.
func (f *fixture) settings(settings string) {
	f.t.Helper()
	pools, err := pool.Parse([]byte(`{"pools":{"default":{` + settings + `}}}`))
	if err != nil {
		f.t.Fatal(err)
	}
	f.store, err = store.Open(store.Options{URL: f.cache.URL, Pools: pools, Rewrite: f.rewrite, Sleep: f.sleep, Events: f.events,
		Offset: func() time.Duration { return time.Duration(f.now) * time.Millisecond },
		Hook: func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			if f.hook != nil {
				f.hook(ctx, commands, send)
			} else {
				send(ctx)
			}
		}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(f.store.Close)
	f.must(f.store.Prepare(f.t.Context())) // so that trips can be counted
}

// advance moves the clock.
func (f *fixture) advance(d time.Duration) { f.now += d.Milliseconds() }

// is fails the test unless both results are equal in every field. A field Now must be the
// fixture's time, whatever want says.
func (f *fixture) is(got, want any) {
	f.t.Helper()
	timed := reflect.New(reflect.TypeOf(want)).Elem()
	timed.Set(reflect.ValueOf(want))
	if now := timed.FieldByName("Now"); now.IsValid() {
		now.SetInt(f.now)
	}
	if diff := cmp.Diff(timed.Interface(), got); diff != "" {
		f.t.Fatalf("(-want +got)\n%s", diff)
	}
}

// repeats fails the test unless the result is that outcome of an earlier request.
func (f *fixture) repeats(got match.Begun, want match.Outcome) {
	f.t.Helper()
	f.is(got, match.Begun{Status: match.StatusRepeat, Outcome: want})
}

// says fails the test unless the result has that status.
func (f *fixture) says(got any, want match.Status) {
	f.t.Helper()
	if status := reflect.ValueOf(got).FieldByName("Status").Interface(); status != want {
		f.t.Fatalf("got %q, want %q: %+v", status, want, got)
	}
}

// same fails the test unless both are equal.
func same[T any](f *fixture, got, want T) {
	f.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Fatalf("(-want +got)\n%s", diff)
	}
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
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

// key is the key of a kind of data of a member or a cell.
func (f *fixture) key(kind, id string) string { return "w3:" + kind + ":{" + f.pool + "/" + id + "}" }

// ttl is the time until a key expires.
func (f *fixture) ttl(key string) time.Duration {
	f.t.Helper()
	left, err := f.direct.Do(f.t.Context(), f.direct.B().Pttl().Key(key).Build()).AsInt64()
	f.must(err)
	return time.Duration(left) * time.Millisecond
}

// shorten lets a key live only so long.
func (f *fixture) shorten(key string, left time.Duration) {
	f.t.Helper()
	f.must(f.direct.Do(f.t.Context(), f.direct.B().Pexpire().Key(key).Milliseconds(left.Milliseconds()).Build()).Error())
}

// evict takes a key out of the cache.
func (f *fixture) evict(key string) {
	f.t.Helper()
	f.must(f.direct.Do(f.t.Context(), f.direct.B().Del().Key(key).Build()).Error())
}

// stored returns a hash of a member or a cell.
func (f *fixture) stored(kind string, id any) map[string]string {
	f.t.Helper()
	fields, err := f.direct.Do(f.t.Context(), f.direct.B().Hgetall().Key(f.key(kind, fmt.Sprint(id))).Build()).AsStrMap()
	f.must(err)
	return fields
}

// record returns the fields of a member's record, by their names in the scripts.
func (f *fixture) record(name string) map[string]string {
	f.t.Helper()
	fields, err := records.Read(f.t.Context(), f.direct, f.key("m", name))
	f.must(err)
	return fields
}

// withoutPoint is a request as the route has it after the end of its match.
func withoutPoint(q match.Request) match.Request {
	q.Point = geo.Point{}
	return q
}

func refusal(limit match.Limit, after time.Duration) match.Refusal {
	return match.Refusal{Limit: limit, RetryAfter: after}
}

// whole writes numbers as a part of a name.
func whole(n ...int64) string { return strings.ReplaceAll(fmt.Sprint(n), " ", "-") }
