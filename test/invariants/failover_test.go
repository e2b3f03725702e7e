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

// TestFailover kills a primary of a cluster during traffic, together with its last writes,
// which its replica does not have. The store writes again at most a second after a raw
// client that only retries. Members are notified of what was lost, and nobody is stuck.
// Only the cluster takes real time. After that the test moves the clock.
func TestFailover(t *testing.T) {
	timeouts := []time.Duration{2 * time.Second}
	if kit.Soak() {
		timeouts = append(timeouts, 5*time.Second)
	}
	for _, timeout := range timeouts {
		for victim := range kit.Times(1, 3) {
			t.Run(fmt.Sprintf("%v-%d", timeout, victim), func(t *testing.T) {
				cluster := caches.StartCluster(t, "--cluster-node-timeout", strconv.FormatInt(timeout.Milliseconds(), 10))
				be := newBackend(t, cluster.Cache, unlimited)
				be.realPauses = true
				f := &failover{backend: be, cluster: cluster, victim: victim, ended: make(map[string]time.Time)}
				f.run(rand.New(rand.NewPCG(kit.Seed(t), uint64(victim))))
			})
		}
	}
}

type failover struct {
	*backend
	cluster *caches.Cluster
	victim  int
	crowd   []*client
	// What is written to the victim between frozen and killed is lost.
	frozen, killed time.Time
	losses         []*lossCase
	probes         int

	endedMu sync.Mutex
	ended   map[string]time.Time // when a member first asked for the end of a match
}

const (
	traffic   = 24 // members that match, report and end
	reporters = 3  // members of the victim's slots that report all the time
	// allowance is how much later than the raw client the store may write again.
	allowance = time.Second
)

func (f *failover) run(random *rand.Rand) {
	for i := range traffic {
		c := f.join(fmt.Sprint("m", i))
		c.at(place(random))
		f.crowd = append(f.crowd, c)
	}
	f.joinLossCases()
	var steady []*client
	for i := range reporters {
		steady = append(steady, f.named(fmt.Sprint("steady-", i), "steady", true))
	}
	ctx, stop := context.WithCancel(f.t.Context())
	var busy sync.WaitGroup
	for _, c := range f.crowd {
		random := rand.New(rand.NewPCG(random.Uint64(), 0))
		busy.Go(func() {
			for ctx.Err() == nil {
				f.sendOne(c, random)
			}
		})
	}
	f.kill()
	raw := make(chan time.Duration, 1)
	own := make(chan time.Duration, reporters)
	busy.Go(func() { raw <- f.rawWrites() })
	for _, c := range steady {
		busy.Go(func() { own <- f.writes(c) })
	}
	least, first := <-raw, <-own
	for range reporters - 1 {
		<-own
	}
	stop()
	busy.Wait()
	f.t.Logf("note: failover of %s: the raw client wrote again after %v, the store after %v", f.t.Name(), least.Round(time.Millisecond),
		first.Round(time.Millisecond))
	if first > least+allowance {
		f.t.Errorf("the store wrote again %v after the primary was killed, want at most %v after the raw client's %v", first, allowance, least)
	}
	f.checkRepaired()
}

// place is a random place in an area of about a kilometre.
func place(random *rand.Rand) (lat, lng float64) {
	return 37.77 + random.Float64()/100, -122.42 + random.Float64()/100
}

// sendOne sends one random message of a member of the crowd.
func (f *failover) sendOne(c *client, random *rand.Rand) {
	switch match := c.announced(); {
	case match == "" && random.IntN(2) == 0:
		c.send("match", `"radius":5000`)
	case match != "" && random.IntN(4) == 0:
		f.endedMu.Lock()
		if f.ended[match].IsZero() {
			f.ended[match] = f.now()
		}
		f.endedMu.Unlock()
		c.send("end", `"match":"`+match+`"`)
	default:
		c.report(place(random))
	}
}

// kill kills the primary after enough matches, when its replica lacks its last writes.
func (f *failover) kill() {
	primary, replica := f.cluster.Nodes[f.victim], f.cluster.Replica(f.victim)
	f.until("matches are made", func() bool { return len(f.endings()) > traffic })
	f.frozen = f.now()
	replica.Freeze()
	// Else the replica gets the missing writes once it is thawed.
	if _, err := caches.Ask(primary.Address, "CLIENT", "KILL", "TYPE", "replica"); err != nil {
		f.t.Error(err)
	}
	before := len(f.endings())
	for _, c := range f.losses {
		c.writeLast()
	}
	f.until("matches go on", func() bool { return len(f.endings()) > before+traffic })
	f.killed = f.now()
	primary.Kill()
	replica.Thaw()
}

func (f *failover) endings() map[string]time.Time {
	f.endedMu.Lock()
	defer f.endedMu.Unlock()
	return maps.Clone(f.ended)
}

// until waits until a condition holds.
func (f *failover) until(what string, holds func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("waited 20 s until %s", what)
		}
	}
}

// rawWrites is how long after the kill a write to the victim's slots succeeds for a client
// that tries every other node all the time.
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
	f.t.Error("no replica took over within a minute")
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
	f.t.Errorf("no location of %s was acknowledged within a minute", c.id.Member)
	return time.Minute
}
