// Package bench measures what Waggle's messages cost the cache, on real servers that it
// starts itself: processor time of the server in multiples of a PING in the same run, memory
// of a member, the longest run of each script, and the spread over a cluster. Other ways to
// keep the same members are measured beside it. Start at Run.
//
// All that touches Waggle's store is in waggle.go.
package bench

import (
	"context"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

// Options say what to measure.
type Options struct {
	// Server is valkey or redis, "" for the one that is installed, first Valkey.
	Server string
	// Sizes are the numbers of members, ascending.
	Sizes []int
	// Repeats is how many blocks of each operation are measured, and Block how long one takes.
	Repeats int
	Block   time.Duration
	Seed    uint64
	// Point and Crowd are how many members stand at one point, and Waiting how many requests
	// wait in one cell, ascending.
	Point, Crowd int
	Waiting      []int
	// Progress is called now and then with the share of the work that is done. It may be nil.
	Progress func(done float64)
}

// Standard returns the options of a whole run.
func Standard() Options {
	return Options{Sizes: []int{10_000, 100_000, 1_000_000}, Repeats: 7, Block: 60 * time.Millisecond, Seed: 1,
		Point: 5_000, Crowd: 1_500, Waiting: []int{1_000, 10_000}}
}

// Run starts servers, measures, and stops them.
func Run(ctx context.Context, o Options) (Result, error) {
	r := Result{Date: time.Now().UTC().Format(time.DateOnly), Cores: runtime.NumCPU(), Repeats: o.Repeats}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		r.Load, _, _ = strings.Cut(string(text), " ")
	}
	start := time.Now()
	p := &progress{show: o.Progress, total: o.work()}
	err := scope.In(func(s *scope.Scope) error { return run(ctx, s, o, p, &r) })
	if err != nil {
		return r, err
	}
	var units []float64
	for _, row := range r.Rows {
		units = append(units, row.Micros/row.Pings)
	}
	r.PingMicros = round(median(units))
	r.Seconds = math.Round(time.Since(start).Seconds())
	return r, nil
}

// A server is a function of the package caches that starts one.
func (o Options) server(s *scope.Scope) caches.Cache {
	switch o.Server {
	case "valkey":
		return caches.Valkey(s)
	case "redis":
		return caches.Redis(s)
	}
	return caches.Server(s)
}

func run(ctx context.Context, s *scope.Scope, o Options, p *progress, r *Result) error {
	cache := o.server(s)
	server, err := dial(address(cache))
	if err != nil {
		return err
	}
	r.Server = cache.Name
	m := &meter{unit: server, repeats: o.Repeats, block: o.Block}
	w, err := open(cache.URL, m)
	if err != nil {
		return err
	}
	defer w.close()
	b := &bench{ctx: ctx, meter: m, server: server, clock: server, w: w.now, town: newTown(o.Seed), result: r, progress: p, o: o}
	all, bases, err := startPeers(s, o)
	if err != nil {
		return err
	}
	for _, peer := range all {
		if t, ok := peer.(*tile38); ok {
			r.Tile38 = t.version
		}
	}
	base, err := server.memory()
	if err != nil {
		return err
	}
	for _, size := range o.Sizes {
		people := b.town.grow(size)
		if err := w.join(ctx, people, func() { p.add(1) }); err != nil {
			return err
		}
		took, err := memory(server, cache.Name, size, base)
		if err != nil {
			return err
		}
		r.Memory = append(r.Memory, took)
		for i, peer := range all {
			if err := load(peer, people); err != nil {
				return err
			}
			if bases[i] == 0 {
				continue // its server is measured with another peer
			}
			took, err := peerMemory(peer, size, bases[i])
			if err != nil {
				return err
			}
			r.Memory = append(r.Memory, took)
		}
		if err := first(b.messages, func() error { return b.peers(all) },
			func() error { return b.firstImplementation(all[0].conn()) }); err != nil {
			return err
		}
	}
	if err := first(b.crowded, b.worst, func() error { return clusters(ctx, o, m, p, r) }); err != nil {
		return err
	}
	return otherMemory(ctx, o, cache.Name, b.town, p, r)
}

// startPeers starts the peers, each on a server of its own. The bases are the bytes that
// their servers use without members.
func startPeers(s *scope.Scope, o Options) (all []peer, bases []int64, err error) {
	for _, make := range []func(*conn) peer{
		func(c *conn) peer { return geoSet{c} },
		func(c *conn) peer { return cells{c, 8} },
		func(c *conn) peer { return cells{c, 9} },
	} {
		c, err := dial(address(o.server(s)))
		if err != nil {
			return nil, nil, err
		}
		all = append(all, make(c))
	}
	t, err := startTile38(s)
	if err != nil {
		return nil, nil, err
	}
	if t != nil {
		all = append(all, t)
	}
	for _, peer := range all {
		base, err := peer.conn().memory()
		if err != nil {
			return nil, nil, err
		}
		bases = append(bases, base)
	}
	return all, bases, nil
}

// otherMemory measures the memory on the server that was not measured yet, if it is installed.
func otherMemory(ctx context.Context, o Options, measured string, t *town, p *progress, r *Result) error {
	return scope.In(func(s *scope.Scope) error {
		for _, program := range []string{"valkey", "redis"} {
			if _, err := exec.LookPath(program + "-server"); err != nil {
				continue
			}
			cache := Options{Server: program}.server(s)
			if cache.Name == measured {
				continue
			}
			server, err := dial(address(cache))
			if err != nil {
				return err
			}
			w, err := open(cache.URL, &meter{})
			if err != nil {
				return err
			}
			defer w.close()
			base, err := server.memory()
			if err != nil {
				return err
			}
			from := 0
			for _, size := range o.Sizes {
				if err := w.join(ctx, t.people[from:size], func() { p.add(1) }); err != nil {
					return err
				}
				from = size
				took, err := memory(server, cache.Name, size, base)
				if err != nil {
					return err
				}
				r.Memory = append(r.Memory, took)
			}
		}
		return nil
	})
}

// The work of one row in members to load, and about how many rows a size has.
const (
	rowWork = 4_000
	rows    = 55
)

// work is about how much work there is, in members to load.
func (o Options) work() float64 {
	return 2*float64(o.Sizes[len(o.Sizes)-1]) + float64(len(o.Sizes)+1)*rows*rowWork
}
