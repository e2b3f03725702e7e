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

// A scenario is one case of the contract: what the store must do, whatever cache it
// is on.
type scenario struct {
	name string
	play func(*scene)
}

// contract is every case, by what it is about.
func contract() []scenario {
	var all []scenario
	for _, part := range [][]scenario{sessions(), standings(), reports(), listings(), cells(), searches(), openings(), leases(), waits(),
		claims(), commits(), ends(), lifetimes()} {
		all = append(all, part...)
	}
	return all
}

// TestContract plays every case on every cache. Then every place where a script
// answers must have been reached there, and every status that a script says it gives
// must have been given, and no other.
func TestContract(t *testing.T) {
	cases, branches := contract(), readBranches(t)
	// Some cases only; or the scripts are broken, which the cases have to find.
	partly := strings.Count(flag.Lookup("test.run").Value.String(), "/") > 1 || active.AnyScript()
	played := make(map[string]int)
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
				played[c.Name]++
				one.play(newScene(t, c, direct, fmt.Sprint("case-", i+1), branches.rewrite))
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
		if played[name] != len(cases) {
			t.Errorf("%s: played %d cases, want %d", name, played[name], len(cases))
		}
	}
	if !t.Failed() {
		t.Logf("note: store contract: %d cases on each of %s; %d of %d reply branches reached on each", len(cases),
			strings.Join(names, ", "), len(branches.sites), len(branches.sites))
	}
}
