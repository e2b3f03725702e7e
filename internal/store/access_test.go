package store_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/match"
	"waggle/internal/store"
	"waggle/internal/topology"
	"waggle/test/kit/caches"
)

// The contract runs as the user that the cache on AWS has.
func TestTheCacheUserMayDoWhatTheStoreDoes(t *testing.T) {
	user := append([]string{"--user", "waggle", "nopass"}, strings.Fields(topology.CacheAccess)...)
	for name, start := range map[string]func(t *testing.T) caches.Cache{
		"valkey":  func(t *testing.T) caches.Cache { return caches.Valkey(t, user...) },
		"cluster": func(t *testing.T) caches.Cache { return caches.StartCluster(t, user...).Cache },
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			address := strings.TrimPrefix(c.URL, "redis://")
			direct, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{address}, DisableCache: true})
			if err != nil {
				t.Fatal(err)
			}
			defer direct.Close()
			c.URL = "redis://waggle:any@" + address
			for i, one := range contract() {
				t.Run(one.name, func(t *testing.T) {
					one.run(newFixture(t, c, direct, fmt.Sprint("case-", i+1), offsetOnly))
				})
			}
			denied, err := direct.Do(t.Context(), direct.B().Arbitrary("ACL", "LOG").Build()).ToArray()
			if err != nil || len(denied) > 0 {
				t.Errorf("the user was denied %v, %v", denied, err)
			}
			for _, command := range []string{"KEYS *", "FLUSHALL", "CONFIG GET *", "GET w3:m:{a/b}", "HGET other f", "ACL LIST"} {
				if err := as(t, c.URL, strings.Fields(command)); !strings.HasPrefix(fmt.Sprint(err), "NOPERM") {
					t.Errorf("%s: got %v, want NOPERM", command, err)
				}
			}
		})
	}
}

// Otherwise the store would send texts, and nothing but the cost would show it.
func TestACacheTakesTheLibrary(t *testing.T) {
	c := caches.Valkey(t)
	s, err := store.Open(store.Options{URL: c.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	direct, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(c.URL, "redis://")}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	if libraries, err := direct.Do(t.Context(), direct.B().Arbitrary("FUNCTION", "LIST").Build()).ToArray(); err != nil || len(libraries) != 1 {
		t.Errorf("got %d libraries, %v, want one", len(libraries), err)
	}
}

// A user who may not call functions is served too: the store finds that out while it starts.
func TestACacheWhoseFunctionsMayNotBeCalledGetsTexts(t *testing.T) {
	access := strings.Replace(topology.CacheAccess, "+fcall +function|load ", "", 1)
	c := caches.Valkey(t, append([]string{"--user", "waggle", "nopass"}, strings.Fields(access)...)...)
	trips := 0
	s, err := store.Open(store.Options{URL: strings.Replace(c.URL, "redis://", "redis://waggle:any@", 1),
		Hook: func(ctx context.Context, _ []store.Command, send func(context.Context, ...int)) { trips++; send(ctx) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	x := match.Session{Member: match.Member{Pool: "default", ID: "ana"}, Connection: "c1", ConnectedAt: time.Now(), Matchee: true}
	if r, err := s.Connect(t.Context(), x, false); err != nil || r.Status != match.StatusOK || trips != 1 {
		t.Errorf("got %+v, %v after %d trips, want ok after one", r, err, trips)
	}
}

// The user may run no command that no script calls.
func TestTheCacheUserMayDoNothingElse(t *testing.T) {
	_, commands, found := strings.Cut(topology.CacheAccess, "+function|load ")
	scripts := readBranches(t).sources
	for _, command := range strings.Fields(commands) {
		call := "redis.call('" + strings.ToUpper(strings.TrimPrefix(command, "+")) + "'"
		if !slices.ContainsFunc(slices.Collect(maps.Values(scripts)), func(text string) bool { return strings.Contains(text, call) }) {
			t.Errorf("the user may %s, but no script has %s", command, call)
		}
	}
	if !found || len(strings.Fields(commands)) < 5 {
		t.Errorf("got the commands %q", commands)
	}
}

// offsetOnly makes a script's clock the offset alone. The script still asks for the time.
func offsetOnly(_, text string) string {
	const clock = "redis.call('TIME')"
	return strings.Replace(text, clock, "(function() "+clock+" return { 0, 0 } end)()", 1)
}

// as sends one command as the user of a URL.
func as(t *testing.T, url string, words []string) error {
	t.Helper()
	option, err := valkey.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	option.DisableCache, option.ForceSingleClient, option.ClientSetInfo = true, true, valkey.DisableClientSetInfo
	client, err := valkey.NewClient(option)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	return client.Do(t.Context(), client.B().Arbitrary(words...).Build()).Error()
}
