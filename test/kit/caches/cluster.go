package caches

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Cluster is a real cluster.
type Cluster struct {
	Cache
	// Nodes are the primaries, and then, if there are any, a replica of each in the same order.
	Nodes []*Node
}

const slots = 16384

// StartCluster starts an empty cluster of three primaries with a replica each, and returns
// when every node takes part. The arguments are added to each server's command line, such as
// a --cluster-node-timeout other than 2000 ms.
func StartCluster(t testing.TB, arguments ...string) *Cluster {
	t.Helper()
	return startCluster(t, 3, 3, arguments...)
}

// StartPrimaries starts an empty cluster of so many primaries, without replicas.
func StartPrimaries(t testing.TB, primaries int) *Cluster {
	t.Helper()
	return startCluster(t, primaries, 0)
}

func startCluster(t testing.TB, primaries, replicas int, arguments ...string) *Cluster {
	t.Helper()
	program := installed(t)
	c := &Cluster{}
	for i := range primaries + replicas {
		n := run(t, program, append([]string{"--cluster-enabled", "yes", "--cluster-node-timeout", "2000",
			"--cluster-port", strconv.Itoa(FreePort(t)), "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0"},
			arguments...)...)
		c.Nodes = append(c.Nodes, n)
		n.must(t, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	c.Cache = Cache{Name: "cluster of " + c.Nodes[0].Name, URL: c.Nodes[0].URL, Primaries: primaries}
	for i, n := range c.Nodes[:primaries] {
		n.must(t, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(slots*i/primaries), strconv.Itoa(slots*(i+1)/primaries-1))
	}
	for i, n := range c.Nodes {
		for _, other := range c.Nodes[:i] {
			host, port, _ := strings.Cut(other.Address, ":")
			n.must(t, "CLUSTER", "MEET", host, port, other.flag(t, "cluster-port"))
		}
	}
	c.await(t, "the nodes do not know each other", func(n *Node) bool {
		nodes, err := Ask(n.Address, "CLUSTER", "NODES")
		return err == nil && strings.Count(nodes, "connected") == len(c.Nodes) && !strings.Contains(nodes, "handshake")
	})
	for i, n := range c.Nodes[primaries:] {
		n.must(t, "CLUSTER", "REPLICATE", c.Nodes[i].id(t))
	}
	c.await(t, "the replicas do not follow", func(n *Node) bool {
		info, err := Ask(n.Address, "INFO", "replication")
		return err == nil && (replicas == 0 || strings.Contains(info, "master_link_status:up") || strings.Contains(info, "state=online"))
	})
	c.await(t, "the cluster is not complete", func(n *Node) bool {
		info, err := Ask(n.Address, "CLUSTER", "INFO")
		nodes, nodesErr := Ask(n.Address, "CLUSTER", "NODES")
		return err == nil && nodesErr == nil && strings.Contains(info, "cluster_state:ok") &&
			strings.Contains(info, fmt.Sprint("cluster_slots_ok:", slots)) && strings.Count(nodes, "slave") == replicas
	})
	return c
}

// Replica returns the replica of the i-th primary.
func (c *Cluster) Replica(i int) *Node { return c.Nodes[c.Primaries+i] }

// On reports whether the i-th primary has the slot of a key when the cluster starts.
func (c *Cluster) On(t testing.TB, i int, key string) bool {
	t.Helper()
	text, err := Ask(c.Nodes[len(c.Nodes)-1].Address, "CLUSTER", "KEYSLOT", key)
	if err != nil {
		t.Fatal(err)
	}
	slot, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return slot >= slots*i/c.Primaries && slot < slots*(i+1)/c.Primaries
}

// A Move is a slot on its way from one primary to another. Its keys are moved one by one.
type Move struct {
	t        testing.TB
	cluster  *Cluster
	slot     string
	from, to *Node
}

// Move begins to move the slot of a key from the primary that has it since the start to the
// next one.
func (c *Cluster) Move(t testing.TB, key string) *Move {
	t.Helper()
	m := c.move(t, key)
	slot := m.slot
	m.to.must(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", m.from.id(t))
	m.from.must(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", m.to.id(t))
	return m
}

func (c *Cluster) move(t testing.TB, key string) *Move {
	t.Helper()
	slot, err := Ask(c.Nodes[0].Address, "CLUSTER", "KEYSLOT", key)
	if err != nil {
		t.Fatal(err)
	}
	from := 0
	for !c.On(t, from, key) {
		from++
	}
	return &Move{t: t, cluster: c, slot: slot, from: c.Nodes[from], to: c.Nodes[(from+1)%c.Primaries]}
}

// MoveWhole moves the slot of a key as a whole. It returns a function that reports whether it
// has moved. The error says that the server cannot do that.
func (c *Cluster) MoveWhole(t testing.TB, key string) (moved func() bool, err error) {
	t.Helper()
	m := c.move(t, key)
	_, err = Ask(m.from.Address, "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", m.slot, m.slot, "NODE", m.to.id(t))
	return func() bool {
		_, err := Ask(m.from.Address, "EXISTS", key)
		return err != nil && strings.HasPrefix(err.Error(), "MOVED")
	}, err
}

// Keys moves these keys, if they exist.
func (m *Move) Keys(keys ...string) {
	m.t.Helper()
	host, port, _ := strings.Cut(m.to.Address, ":")
	for _, key := range keys {
		m.from.must(m.t, "MIGRATE", host, port, key, "0", "1000")
	}
}

// Finish moves the keys that are left, and gives the slot to its new owner.
func (m *Move) Finish(keys ...string) {
	m.t.Helper()
	m.Keys(keys...)
	if left, err := Ask(m.from.Address, "CLUSTER", "COUNTKEYSINSLOT", m.slot); err != nil || left != "0" {
		m.t.Fatalf("slot %s has %s keys left, %v", m.slot, left, err)
	}
	to := m.to.id(m.t)
	for _, n := range append([]*Node{m.to, m.from}, m.cluster.Nodes[:m.cluster.Primaries]...) {
		n.must(m.t, "CLUSTER", "SETSLOT", m.slot, "NODE", to)
	}
}

// id is the id of the node in its cluster.
func (n *Node) id(t testing.TB) string {
	t.Helper()
	id, err := Ask(n.Address, "CLUSTER", "MYID")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// await returns when a condition holds on every node.
func (c *Cluster) await(t testing.TB, otherwise string, holds func(*Node) bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for _, n := range c.Nodes {
		for !holds(n) {
			if time.Now().After(deadline) {
				nodes, _ := Ask(n.Address, "CLUSTER", "NODES")
				t.Fatalf("%s: %s sees\n%s", otherwise, n.Address, nodes)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// must sends a command that must succeed.
func (n *Node) must(t testing.TB, words ...string) {
	t.Helper()
	if _, err := Ask(n.Address, words...); err != nil {
		t.Fatalf("%v: %v", words, err)
	}
}

// flag returns the last value of an argument that the node was started with.
func (n *Node) flag(t testing.TB, name string) string {
	t.Helper()
	for i := len(n.options) - 2; i >= 0; i-- {
		if n.options[i] == "--"+name {
			return n.options[i+1]
		}
	}
	t.Fatalf("the node was started without --%s", name)
	return ""
}
