package bench

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"waggle/internal/geo"
)

// A hard is a case that is hard for some script.
type hard struct {
	name string
	do   func() error
}

// hardest returns the worst cases, after crowded has filled its pools.
func (b *bench) hardest() []hard {
	t, at := b.town, b.town.spots[0]
	search := func(pool string, from func() geo.Point, radius float64, tags ...string) func() error {
		return func() error { _, err := b.w.nearest(b.ctx, pool, from(), radius, tags, 8); return err }
	}
	at0 := func() geo.Point { return at }
	many := strings.Fields("sedan english a b c d e f g h i j k l m n")
	cases := []hard{
		{"a tag of 1 in 1 000, dense", search(mainPool, t.dense, 20_000, rare)},
		{"a tag that nobody has, dense", search(mainPool, t.dense, 20_000, absent)},
		{"16 tags, two of which all have", search(mainPool, t.dense, 20_000, many...)},
		{"a circle of 20 km, dense", search(mainPool, t.dense, 20_000)},
		{"a circle of 20 km, sparse", search(mainPool, t.sparse, 20_000)},
		{"a circle of 20 km over empty country", search(mainPool, func() geo.Point { return t.empty(false) }, 20_000)},
		{"5 000 at one point", search("point", at0, 3_000)},
		{"5 000 at one point, a tag that nobody has", search("point", at0, 3_000, absent)},
		{"5 000 at one point, seen from 2 km away", search("point", func() geo.Point { return inCell(at, 2_000) }, 20_000)},
	}
	for _, pool := range []string{"tags", "distance", "nearly-tags", "nearly-distance"} {
		cases = append(cases, hard{"a report beside 10 000 waiting requests: " + pool, func() error {
			return b.w.report(b.ctx, b.w.session(pool, name("reporter", t.random.IntN(reporters))), t.near(at), nil)
		}})
	}
	turn := 0
	return append(cases,
		hard{"a request that joins 10 000 waiting ones", func() error {
			x, err := b.stranger("tags")
			if err != nil {
				return err
			}
			r, err := b.w.request(b.ctx, x, at, 20_000, []string{absent}, ttl/12)
			return errors.Join(deliver(b.ctx, r, err), b.cancel(x))
		}},
		hard{"a listing that fits 200 waiting requests", func() error {
			turn++
			pool := fmt.Sprint("fits-", turn)
			if err := each(200, func(i int) error {
				x := b.w.session(pool, name("waits", i))
				if err := b.w.connect(b.ctx, x); err != nil {
					return err
				}
				r, err := b.w.request(b.ctx, x, at, 1_000, nil, ttl/12)
				return deliver(b.ctx, r, err)
			}); err != nil {
				return err
			}
			return b.w.join(b.ctx, pool, people("fits", 1, here(at)), nil)
		}},
		hard{fmt.Sprintf("%s claimed members at the point", thousands(crowd)), func() error {
			turn++
			pool := fmt.Sprint("claimed-", turn)
			all := people("claimed", crowd, here(at))
			if err := b.w.join(b.ctx, pool, all, nil); err != nil {
				return err
			}
			if err := each(crowd, func(i int) error {
				return b.w.claim(b.ctx, name("claims", i), pool, all[i].id)
			}); err != nil {
				return err
			}
			return search(pool, at0, 3_000)()
		}})
}

// worst runs each case some times and asks the server how long each run of a script took. Of
// a script, the longest case counts, and of a case the median of its repeats.
func (b *bench) worst() error {
	if _, err := b.server.do([]string{"CONFIG", "SET", "slowlog-log-slower-than", "0"},
		[]string{"CONFIG", "SET", "slowlog-max-len", "1000000"}); err != nil {
		return err
	}
	ping, err := b.meter.ping()
	if err != nil {
		return err
	}
	longest := make(map[string]Worst)
	for _, c := range b.hardest() {
		runs := make(map[string][]float64) // microseconds, of each repeat the longest
		for range b.meter.repeats {
			if _, err := b.server.one("SLOWLOG", "RESET"); err != nil {
				return err
			}
			if err := c.do(); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			took, err := b.took()
			if err != nil {
				return err
			}
			for script, micros := range took {
				runs[script] = append(runs[script], micros)
			}
		}
		for script, micros := range runs {
			w := Worst{Script: script, Case: c.name, Micros: median(micros)}
			w.Pings = round(w.Micros * 1e3 / float64(ping))
			if w.Micros > longest[script].Micros {
				longest[script] = w
			}
		}
	}
	b.result.Worst = slices.SortedFunc(maps.Values(longest), func(a, b Worst) int { return cmp.Compare(b.Micros, a.Micros) })
	_, err = b.server.one("CONFIG", "SET", "slowlog-log-slower-than", "-1")
	return err
}

// took returns the longest run of each script since the last reset, in microseconds.
func (b *bench) took() (map[string]float64, error) {
	reply, err := b.server.one("SLOWLOG", "GET", "-1")
	if err != nil {
		return nil, err
	}
	longest := make(map[string]float64)
	for _, entry := range reply.([]any) {
		parts := entry.([]any)
		words := parts[3].([]any)
		if len(words) < 2 || !strings.EqualFold(words[0].(string), "EVALSHA") {
			continue
		}
		if script := b.w.scripts[words[1].(string)]; script != "" {
			longest[script] = max(longest[script], float64(parts[2].(int64)))
		}
	}
	return longest, nil
}
