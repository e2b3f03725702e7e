package store_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/valkey-io/valkey-go"

	"waggle/test/kit/caches"
	"waggle/test/mutation/active"
)

// A testCase is one case of the contract: what the store must do on every cache.
type testCase struct {
	name string
	run  func(*fixture)
}

// contract is every case, by what it is about.
func contract() []testCase {
	var all []testCase
	for _, part := range [][]testCase{sessions(), reads(), reports(), shares(), positions(), listings(), cells(), generations(),
		tagIndex(), areas(), searches(), begins(), leases(), waits(), views(), widenings(), avoidings(), nearbys(), claims(), commits(), offers(),
		ends(), notYetTold(), partings(), lifetimes(), limits(), leavings(), presences(), expiries(), forgettings(), events()} {
		all = append(all, part...)
	}
	return all
}

// TestContract runs every case on every cache. There, every place where a script returns
// must have been reached, and every status that the script's header names must have been
// returned, and no other.
func TestContract(t *testing.T) {
	cases, branches := contract(), readBranches(t)
	// Only some cases run; or a script is mutated, which a case has to catch.
	partly := strings.Count(flag.Lookup("test.run").Value.String(), "/") > 1 || active.AnyScript()
	ran := make(map[string]int)
	var names []string
	caches.Every(t, func(t *testing.T, c caches.Cache) {
		direct, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(c.URL, "redis://")}, DisableCache: true})
		if err != nil {
			t.Fatal(err)
		}
		defer direct.Close()
		names = append(names, c.Name)
		for i, one := range cases {
			t.Run(one.name, func(t *testing.T) {
				ran[c.Name]++
				one.run(newFixture(t, c, direct, fmt.Sprint("case-", i+1), branches.rewrite))
			})
		}
		everythingExpires(t, direct)
		if !partly {
			branches.check(t, direct)
		}
	})
	if partly || len(names) == 0 {
		return
	}
	for _, name := range names {
		if ran[name] != len(cases) {
			t.Errorf("%s: ran %d cases, want %d", name, ran[name], len(cases))
		}
	}
	if !t.Failed() {
		t.Logf("note: store contract: %d cases on each of %s; %d of %d reply branches reached on each", len(cases),
			strings.Join(names, ", "), len(branches.sites), len(branches.sites))
	}
}
