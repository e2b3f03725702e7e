package invariants_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
	"waggle/test/kit/caches"
)

// While a slot moves from one node of a cluster to another, a request is answered, or refused
// within a second. After a refusal nothing is left undecided: the repeat of the request is
// answered as soon as the slot has moved.
func TestARequestDuringAReshardingIsAnsweredOrRefusedAtOnce(t *testing.T) {
	const fast = time.Second
	cluster := caches.StartPrimaries(t, 2)
	for _, whose := range []string{"matcher", "matchee", "cell"} {
		for _, moved := range []string{"none", "one", "all"} {
			for _, wait := range []string{"0", "30"} {
				name := fmt.Sprintf("%s-%s-%s", whose, moved, wait)
				t.Run(name, func(t *testing.T) {
					be := newBackend(t, cluster.Cache, unlimited)
					ana, ben := be.joinIn(name, "ana"), be.joinIn(name, "ben")
					ana.at(37.7749, -122.4194)
					ben.at(37.7750, -122.4194)
					id := map[string]string{"matcher": "ana", "matchee": "ben", "cell": string(geo.ShardCell(geo.Point{Lat: 37.7749, Lng: -122.4194}))}[whose]
					tag := "{" + name + "/" + id + "}"
					// At least two keys, of which one may have moved.
					keys := be.keysOf(tag)
					move := cluster.Move(t, tag)
					switch moved {
					case "one":
						move.Keys(keys[0])
					case "all":
						move.Keys(keys...)
					}
					request := `"id":"r1","radius":1000,"wait":` + wait
					before := be.now()
					ana.send("match", request)
					if took := be.now().Sub(before); took > fast {
						t.Errorf("the answer took %v", took)
					}
					answers := ana.take()
					if e, refused := answers[len(answers)-1].(*protocol.Error); refused && (moved == "all" || e.Code != protocol.CodeUnavailable || !e.Retryable) {
						t.Errorf("got %s", protocol.Encode(e))
					}
					for _, c := range []*client{ana, ben} { // as it goes on meanwhile
						c.send("ping", "")
						c.report(37.7749, -122.4194)
					}
					ana.take()
					move.Finish(be.keysOf(tag)...)
					ana.send("match", request)
					m := want[*protocol.Matched](ana)
					ana.send("end", `"match":"`+m.Match+`"`)
					want[*protocol.Ended](ana)
				})
			}
		}
	}
}

// keysOf lists the keys that are in the slot of a tag.
func (be *backend) keysOf(tag string) (all []string) {
	be.t.Helper()
	for _, node := range be.direct.Nodes() {
		keys, err := node.Do(be.t.Context(), node.B().Keys().Pattern("w3:*"+tag).Build()).AsStrSlice()
		if err != nil {
			be.t.Fatal(err)
		}
		all = append(all, keys...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
