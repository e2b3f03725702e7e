package invariants_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// TestFailover kills a primary of a cluster in the middle of the traffic, and with it
// the last writes, which its replica has not got yet. The store writes again within a
// second of a client that does nothing but try; what was lost is told, and nobody is
// stuck. Waiting for a cluster is all that takes time here: what comes after is moved
// on by hand.
func TestFailover(t *testing.T) {
	timeouts := []time.Duration{2 * time.Second}
	if kit.Soak() {
		timeouts = append(timeouts, 5*time.Second)
	}
	for _, timeout := range timeouts {
		for victim := range kit.Times(1, 3) {
			t.Run(fmt.Sprintf("%v-%d", timeout, victim), func(t *testing.T) {
				cluster := caches.StartCluster(t, "--cluster-node-timeout", strconv.FormatInt(timeout.Milliseconds(), 10))
				w := newWorld(t, cluster.Cache, unlimited)
				w.waits = true
				f := &failover{world: w, cluster: cluster, victim: victim, ended: make(map[string]time.Time)}
				f.run(rand.New(rand.NewPCG(kit.Seed(t), uint64(victim))))
			})
		}
	}
}

type failover struct {
	*world
	cluster *caches.Cluster
	victim  int
	crowd   []*client
	// From frozen on nobody else has what is written to the victim, until it is killed.
	frozen, killed time.Time
	couples        []*couple
	probes         int

	asked sync.Mutex
	ended map[string]time.Time // when somebody asked for the end of a match
}

const (
	traffic = 24 // members that match and part
	probers = 3  // members of the victim's slots that report all the time
	// behind is how much later than the raw client the store may write again.
	behind = time.Second
)

func (f *failover) run(random *rand.Rand) {
	for i := range traffic {
		c := f.join(fmt.Sprint("m", i))
		c.at(place(random))
		f.crowd = append(f.crowd, c)
	}
	f.come()
	var watchers []*client
	for range probers {
		watchers = append(watchers, f.named(fmt.Sprint("watch-", len(watchers)), "watch", true))
	}
	ctx, stop := context.WithCancel(f.t.Context())
	var busy sync.WaitGroup
	for _, c := range f.crowd {
		random := rand.New(rand.NewPCG(random.Uint64(), 0))
		busy.Go(func() {
			for ctx.Err() == nil {
				f.goAbout(c, random)
			}
		})
	}
	f.kill()
	raw := make(chan time.Duration, 1)
	own := make(chan time.Duration, probers)
	busy.Go(func() { raw <- f.rawWrites() })
	for _, c := range watchers {
		busy.Go(func() { own <- f.writes(c) })
	}
	least, first := <-raw, <-own
	for range probers - 1 {
		<-own
	}
	stop()
	busy.Wait()
	f.t.Logf("note: failover of %s: the raw client wrote again after %v, the store after %v", f.t.Name(), least.Round(time.Millisecond),
		first.Round(time.Millisecond))
	if first > least+behind {
		f.t.Errorf("the store wrote again %v after the primary was killed, want at most %v after the raw client's %v", first, behind, least)
	}
	f.heals()
}

// place is somewhere within a kilometre or so.
func place(random *rand.Rand) (lat, lng float64) {
	return 37.77 + random.Float64()/100, -122.42 + random.Float64()/100
}

// goAbout is one message of a member of the crowd.
func (f *failover) goAbout(c *client, random *rand.Rand) {
	match := ""
	for _, b := range c.beliefs() {
		if b.open() {
			match = b.match
		}
	}
	switch {
	case match == "" && random.IntN(2) == 0:
		c.send("match", `"radius":5000`)
	case match != "" && random.IntN(4) == 0:
		f.asked.Lock()
		if f.ended[match].IsZero() {
			f.ended[match] = f.now()
		}
		f.asked.Unlock()
		c.send("end", `"match":"`+match+`"`)
	default:
		c.report(place(random))
	}
}

// kill kills the primary when enough matches have been made, and its replica has
// missed the last of its writes.
func (f *failover) kill() {
	primary, replica := f.cluster.Nodes[f.victim], f.cluster.Replica(f.victim)
	f.until("matches are made", func() bool { return len(f.endings()) > traffic })
	f.frozen = f.now()
	replica.Freeze()
	// It would be sent what it missed over the old connection, or a new one.
	if _, err := caches.Ask(primary.Address, "CLIENT", "KILL", "TYPE", "replica"); err != nil {
		f.t.Error(err)
	}
	before := len(f.endings())
	for _, c := range f.couples {
		c.lose()
	}
	f.until("matches go on", func() bool { return len(f.endings()) > before+traffic })
	f.killed = f.now()
	primary.Kill()
	replica.Thaw()
}

func (f *failover) endings() map[string]time.Time {
	f.asked.Lock()
	defer f.asked.Unlock()
	return maps.Clone(f.ended)
}

// until waits for what the traffic brings about.
func (f *failover) until(what string, holds func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("in 20 s it was not so that %s", what)
		}
	}
}

// rawWrites is how long after the kill a write to the victim's slots succeeds, for a
// client that asks every other node all the time.
func (f *failover) rawWrites() time.Duration {
	key := ""
	for i := 0; key == ""; i++ {
		if name := fmt.Sprintf("raw:{%d}", i); f.cluster.On(f.t, f.victim, name) {
			key = name
		}
	}
	for f.now().Sub(f.killed) < time.Minute {
		for i, n := range f.cluster.Nodes {
			if i == f.victim {
				continue
			}
			if _, err := caches.Ask(n.Address, "SET", key, "1", "PX", "60000"); err == nil {
				return f.now().Sub(f.killed)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	f.t.Error("in a minute no replica took over")
	return time.Minute
}

// writes is how long after the kill a location of a member is acknowledged.
func (f *failover) writes(c *client) time.Duration {
	for f.now().Sub(f.killed) < time.Minute {
		c.report(37.77, -122.42, `"id":"w"`, `"available":false`)
		if _, ok := last[*protocol.Ack](c); ok {
			return f.now().Sub(f.killed)
		}
	}
	f.t.Errorf("in a minute no location of %s was taken", c.id.Member)
	return time.Minute
}
