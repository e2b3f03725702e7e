package bench

import (
	"context"
	"strings"
	"time"

	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

// clusterMembers is how many members stand in the town on a cluster.
const clusterMembers = 10_000

// clusters measures how the processor time of messages spreads over 1, 2 and 3 primaries.
func clusters(ctx context.Context, o Options, m *meter, p *progress, r *Result) error {
	for primaries := 1; primaries <= 3; primaries++ {
		if err := scope.In(func(s *scope.Scope) error {
			return onCluster(ctx, o, m, p, caches.StartPrimaries(s, primaries), r)
		}); err != nil {
			return err
		}
	}
	return nil
}

func onCluster(ctx context.Context, o Options, m *meter, p *progress, c *caches.Cluster, r *Result) error {
	w, err := open(c.URL, m)
	if err != nil {
		return err
	}
	defer w.close()
	all := make(nodes, len(c.Nodes))
	for i, n := range c.Nodes {
		if all[i], err = dial(n.Address); err != nil {
			return err
		}
		defer all[i].Close()
	}
	b := &bench{ctx: ctx, meter: m, clock: all, w: w.now, town: newTown(o.Seed), result: &Result{}, progress: p, o: o}
	if err := w.join(ctx, b.town.grow(min(clusterMembers, o.Sizes[len(o.Sizes)-1])), nil); err != nil {
		return err
	}
	for _, measure := range []func() error{b.steady, func() error { return b.search(b.town.searches()[0]) }, b.matches} {
		before, err := all.times()
		if err != nil {
			return err
		}
		if err := measure(); err != nil {
			return err
		}
		after, err := all.times()
		if err != nil {
			return err
		}
		for _, row := range b.result.Rows {
			r.Clusters = append(r.Clusters, Cluster{Operation: row.Name, Primaries: len(all), Pings: row.Pings, Shares: shares(before, after)})
		}
		b.result.Rows = nil
	}
	return nil
}

// nodes are the primaries of a cluster. Their clock is the sum of theirs.
type nodes []*conn

func (n nodes) cpu() (total time.Duration, err error) {
	all, err := n.times()
	for _, t := range all {
		total += t
	}
	return total, err
}

func (n nodes) times() ([]time.Duration, error) {
	all := make([]time.Duration, len(n))
	for i, c := range n {
		var err error
		if all[i], err = c.cpu(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// shares returns how the time between two readings spreads over the nodes.
func shares(before, after []time.Duration) []float64 {
	var total time.Duration
	for i := range after {
		total += after[i] - before[i]
	}
	all := make([]float64, len(after))
	for i := range after {
		all[i] = round(float64(after[i]-before[i]) / float64(total))
	}
	return all
}

// address returns the host and port of a cache.
func address(c caches.Cache) string { return strings.TrimPrefix(c.URL, "redis://") }
