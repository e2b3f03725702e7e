package bench

import (
	"context"
	"errors"
	"strings"
	"time"

	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

// On clusters, so many members stand in the town, and so many operations are measured.
const (
	clusterMembers    = 10_000
	clusterOperations = 600
)

// clusters measures how the processor time of messages spreads over 1, 2 and 3 primaries.
func clusters(ctx context.Context, m *meter, seed uint64, result *Result) error {
	for _, primaries := range []int{1, 2, 3} {
		if err := scope.In(func(s *scope.Scope) error {
			return onCluster(ctx, m, seed, caches.StartPrimaries(s, primaries), result)
		}); err != nil {
			return err
		}
	}
	return nil
}

func onCluster(ctx context.Context, m *meter, seed uint64, c *caches.Cluster, result *Result) error {
	w, err := newWaggle(c.URL, m, 0)
	if err != nil {
		return err
	}
	defer w.store.Close()
	nodes := make([]*conn, len(c.Nodes))
	for i, n := range c.Nodes {
		if nodes[i], err = dial(n.Address); err != nil {
			return err
		}
		defer nodes[i].Close()
	}
	t := newTown(seed)
	if err := w.join(ctx, mainPool, t.grow(clusterMembers), nil); err != nil {
		return err
	}
	asks := people("asks", clusterOperations, here(t.spots[0]))
	if err := each(len(asks), func(i int) error { return w.connect(ctx, w.session(mainPool, asks[i].id)) }); err != nil {
		return err
	}
	for _, op := range []struct {
		name string
		do   func(i int) error
	}{
		{steady, func(int) error {
			p := t.person()
			return w.report(ctx, w.session(mainPool, p.id), t.near(p.at), nil)
		}},
		{denseRow, func(int) error { _, err := w.nearest(ctx, mainPool, t.dense(), 3_000, nil, 8); return err }},
		{"match and end", func(i int) error {
			x := w.session(mainPool, asks[i].id)
			r, err := w.request(ctx, x, t.dense(), 3_000, nil, 0)
			if err != nil {
				return err
			}
			id, err := matchedIn(r)
			return errors.Join(err, first(func() error { return deliver(ctx, r, nil) }, func() error { return w.end(ctx, x, id) }))
		}},
	} {
		ping, err := m.ping()
		if err != nil {
			return err
		}
		before, err := times(nodes)
		if err != nil {
			return err
		}
		for i := range clusterOperations {
			if err := op.do(i); err != nil {
				return err
			}
		}
		after, err := times(nodes)
		if err != nil {
			return err
		}
		result.Clusters = append(result.Clusters, share(op.name, before, after, ping))
	}
	return nil
}

// share returns how the time between two readings spreads over the nodes.
func share(operation string, before, after []time.Duration, ping time.Duration) Clusters {
	var total time.Duration
	for i := range after {
		total += after[i] - before[i]
	}
	c := Clusters{Operation: operation, Primaries: len(after), Pings: round(float64(total) / clusterOperations / float64(ping))}
	for i := range after {
		c.Shares = append(c.Shares, round(float64(after[i]-before[i])/float64(total)))
	}
	return c
}

func times(nodes []*conn) ([]time.Duration, error) {
	all := make([]time.Duration, len(nodes))
	for i, n := range nodes {
		var err error
		if all[i], err = n.cpu(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// address returns the host and port of a cache.
func address(c caches.Cache) string { return strings.TrimPrefix(c.URL, "redis://") }
