package bench

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// A hard is a case that is hard for some script.
type hard struct {
	name    string
	prepare func() error // unmeasured; nil: nothing
	do      func() error
}

// hardest returns the worst cases, after crowded has filled its pools.
func (b *bench) hardest() []hard {
	t, at := b.town, b.town.spots[0]
	search := func(pool string, from func() geo.Point, radius float64, tags ...string) func() error {
		return func() error { _, err := b.w.nearest(b.ctx, pool, from(), radius, tags, 8); return err }
	}
	there := func() geo.Point { return at }
	many := strings.Fields("sedan english a b c d e f g h i j k l m n")
	point, crowd, waiting := thousands(b.o.Point), thousands(b.o.Crowd), thousands(b.o.Waiting[len(b.o.Waiting)-1])
	cases := []hard{
		{"a tag of 1 in 1 000, dense", nil, search(mainPool, t.dense, 20_000, rare)},
		{"a tag that nobody has, dense", nil, search(mainPool, t.dense, 20_000, absent)},
		{"16 tags, two of which all have", nil, search(mainPool, t.dense, 20_000, many...)},
		{"a circle of 20 km, dense", nil, search(mainPool, t.dense, 20_000)},
		{"a circle of 20 km, sparse", nil, search(mainPool, t.sparse, 20_000)},
		{"a circle of 20 km over empty country", nil, search(mainPool, func() geo.Point { return t.empty(false) }, 20_000)},
		{point + " at one point", nil, search("point", there, 3_000)},
		{point + " at one point, a tag that nobody has", nil, search("point", there, 3_000, absent)},
		{point + " at one point, seen from 2 km away", nil, search("point", func() geo.Point { return inCell(at, 2_000) }, 20_000)},
	}
	for _, pool := range []string{"tags", "distance", "nearly-tags", "nearly-distance"} {
		cases = append(cases, hard{"a report beside " + waiting + " waiting requests: " + pool, nil, func() error {
			return b.w.report(b.ctx, b.w.session(pool, name("reporter", t.random.IntN(reporters))), t.near(at), nil)
		}})
	}
	var asks match.Session
	turn, pool := 0, ""
	fresh := func(of string) { turn++; pool = fmt.Sprint(of, "-", turn) }
	claimed := people("claimed", b.o.Crowd, here(at))
	return append(cases,
		hard{"a request that joins " + waiting + " waiting ones", func() (err error) { asks, err = b.stranger("tags"); return err }, func() error {
			return errors.Join(b.letWait(asks, at, 20_000, []string{absent}), b.cancel(asks))
		}},
		hard{"a listing that fits " + crowd + " waiting requests", func() error {
			fresh("fits")
			return each(b.o.Crowd, func(i int) error {
				x := b.w.session(pool, name("waits", i))
				return errors.Join(b.w.connect(b.ctx, x), b.letWait(x, at, 1_000, nil))
			})
		}, func() error { return b.w.join(b.ctx, pool, people("fits", 1, here(at)), nil) }},
		hard{crowd + " claimed members at the point", func() error {
			fresh("claimed")
			if err := b.w.join(b.ctx, pool, claimed, nil); err != nil {
				return err
			}
			return each(len(claimed), func(i int) error { return b.w.claim(b.ctx, name("claims", i), pool, claimed[i].id) })
		}, func() error { return search(pool, there, 3_000)() }})
}

// worst runs each case some times and asks the server how long each run of a script took. Of a
// script, the longest case counts, and of a case the least of its repeats: in the others the
// server also collected the garbage of earlier runs, whichever scripts they were of.
func (b *bench) worst() error {
	if _, err := b.server.one("CONFIG", "SET", "slowlog-max-len", "100000"); err != nil {
		return err
	}
	longest := make(map[string]Worst)
	for _, c := range b.hardest() {
		runs := make(map[string][]float64) // microseconds, of each repeat the longest
		var ping time.Duration
		for range b.meter.repeats {
			one, err := b.meter.ping()
			if err != nil {
				return err
			}
			ping += one / time.Duration(b.meter.repeats)
			if c.prepare != nil {
				if err := c.prepare(); err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
			took, err := b.took(c.do)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			for script, micros := range took {
				runs[script] = append(runs[script], micros)
			}
		}
		for script, micros := range runs {
			w := Worst{Script: script, Case: c.name, Micros: slices.Min(micros), MedianMicros: median(micros)}
			w.Pings = round(w.Micros * 1e3 / float64(ping))
			if w.Micros > longest[script].Micros {
				longest[script] = w
			}
		}
	}
	b.result.Worst = slices.SortedFunc(maps.Values(longest), func(a, b Worst) int {
		return cmp.Or(cmp.Compare(b.Micros, a.Micros), cmp.Compare(a.Script, b.Script))
	})
	return nil
}

// took returns the longest run of each script while do runs, in microseconds. The server logs
// every command meanwhile.
func (b *bench) took(do func() error) (map[string]float64, error) {
	every, none := []string{"CONFIG", "SET", "slowlog-log-slower-than", "0"}, []string{"CONFIG", "SET", "slowlog-log-slower-than", "-1"}
	if _, err := b.server.do([]string{"SLOWLOG", "RESET"}, every); err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	replies, err := b.server.do(none, []string{"SLOWLOG", "GET", "-1"})
	if err != nil {
		return nil, err
	}
	longest := make(map[string]float64)
	for _, entry := range replies[1].([]any) {
		parts := entry.([]any)
		words := parts[3].([]any)
		if len(words) < 2 || !strings.EqualFold(words[0].(string), "FCALL") {
			continue
		}
		function := words[1].(string) // the script's name, "_" and the version
		script := function[:max(0, strings.LastIndex(function, "_"))]
		longest[script] = max(longest[script], float64(parts[2].(int64)))
	}
	return longest, nil
}
