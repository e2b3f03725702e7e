package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// ours is the name of Waggle in the rows.
const ours = "Waggle"

// The names of rows that other code reads.
const (
	steady      = "report, steady"
	denseRow    = "nearest 8 within 3 km, dense"
	rareRow     = "… for a tag of 1 in 1 000"
	nobodyRow   = "nobody within 20 km"
	matchRow    = "match with a point, until both are notified"
	afterRow    = "… and what follows"
	endRow      = "end"
	matchAndEnd = "match and end"
	pingRow     = "PING"
	reporters   = 8 // members who report beside waiting requests
)

// A bench is one run: a server with the town's members, and the rows so far.
type bench struct {
	ctx    context.Context
	meter  *meter
	server *conn // nil on a cluster
	clock  clock // of the server or the cluster
	w      *waggle
	town   *town
	result *Result
	spare  int // members that were connected besides those of the town
	*progress
	o Options
}

// row measures an operation and adds its rows.
func (b *bench) row(system string, op operation) error {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	rows, err := b.meter.measure(op)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", system, op.name, err)
	}
	b.add(rowWork)
	for _, row := range rows {
		row.System, row.Members = system, len(b.town.people)
		b.result.Rows = append(b.result.Rows, row)
	}
	return nil
}

// ours adds a row of Waggle with one phase.
func (b *bench) ours(name string, do func() error) error {
	return b.row(ours, operation{name: name, on: b.clock, do: func(func() error) error { return do() }})
}

// stranger connects a member who has not reported.
func (b *bench) stranger(pool string) (match.Session, error) {
	b.spare++
	x := b.w.session(pool, name("spare", b.spare))
	return x, b.w.connect(b.ctx, x)
}

// strangers returns a function that prepares strangers of the main pool, and one that returns
// the next of them.
func (b *bench) strangers() (prepare func(int) error, next func() match.Session) {
	var ready []match.Session
	prepare = func(n int) error {
		for range n {
			x, err := b.stranger(mainPool)
			if err != nil {
				return err
			}
			ready = append(ready, x)
		}
		return nil
	}
	return prepare, func() match.Session {
		x := ready[0]
		ready = ready[1:]
		return x
	}
}

// messages measures the rows that depend on how many members there are.
func (b *bench) messages() error {
	return first(b.steady, func() error {
		for _, s := range b.town.searches() {
			if err := b.search(s); err != nil {
				return err
			}
		}
		return nil
	}, b.matches, b.noMatch)
}

// steady measures reports of small moves.
func (b *bench) steady() error {
	return b.ours(steady, func() error {
		p := b.town.person()
		return b.w.report(b.ctx, b.w.session(mainPool, p.id), b.town.near(p.at), nil)
	})
}

// search measures searches of a kind.
func (b *bench) search(s search) error {
	return b.ours(s.name, func() error {
		_, err := b.w.nearest(b.ctx, mainPool, s.at(), s.radius, s.tags, 8)
		return err
	})
}

// A search is a row of searches.
type search struct {
	name   string
	at     func() geo.Point
	radius float64
	tags   []string
}

// searches are those that the peers make too. The first one is the plain one.
func (t *town) searches() []search {
	return []search{
		{denseRow, t.dense, 3_000, nil},
		{"nearest 8 within 3 km, sparse", t.sparse, 3_000, nil},
		{"nearest 8 within 500 m, dense", t.dense, 500, nil},
		{"nearest 8 within 20 km, dense", t.dense, 20_000, nil},
		{"… with two tags that all have", t.dense, 3_000, []string{common1, common2}},
		{rareRow, t.dense, 3_000, []string{rare}},
		{"… for a tag that nobody has", t.dense, 3_000, []string{absent}},
		{nobodyRow, func() geo.Point { return t.empty(false) }, 20_000, nil},
		{nobodyRow + ", far from all", func() geo.Point { return t.empty(true) }, 20_000, nil},
	}
}

// matches measures a match from message to end.
func (b *bench) matches() error {
	prepare, next := b.strangers()
	return b.row(ours, operation{name: "match", phases: []string{matchRow, afterRow, endRow}, on: b.clock, most: 25, prepare: prepare,
		do: func(phase func() error) error {
			x := next()
			r, err := b.w.request(b.ctx, x, b.town.dense(), 3_000, nil, 0)
			if err != nil {
				return err
			}
			id, err := matchedIn(r)
			return errors.Join(err, first(phase, func() error { return deliver(b.ctx, r, nil) }, phase,
				func() error { return b.w.end(b.ctx, x, id) }))
		}})
}

// noMatch measures a whole match message that finds nobody.
func (b *bench) noMatch() error {
	prepare, next := b.strangers()
	return b.row(ours, operation{name: "match that finds nobody within 20 km", on: b.clock, most: 25, prepare: prepare,
		do: func(func() error) error {
			r, err := b.w.request(b.ctx, next(), b.town.empty(false), 20_000, nil, 0)
			return deliver(b.ctx, r, err)
		}})
}

// crowded measures the rows of crowds at one point. They do not depend on how many members
// there are elsewhere.
func (b *bench) crowded() error { return first(b.onePoint, b.stale, b.refused, b.waiting, b.busy) }

// people makes up members at places, with the common tags.
func people(of string, n int, at func(i int) geo.Point) []person {
	all := make([]person, n)
	for i := range all {
		all[i] = person{id: name(of, i), at: at(i), tags: []string{common1, common2}}
	}
	return all
}

// here returns the same place for all.
func here(p geo.Point) func(int) geo.Point { return func(int) geo.Point { return p } }

// onePoint measures a search among thousands at one point.
func (b *bench) onePoint() error {
	at := b.town.spots[0]
	if err := b.w.join(b.ctx, "point", people("point", b.o.Point, here(at)), nil); err != nil {
		return err
	}
	return b.ours("nearest 8 of "+thousands(b.o.Point)+" at one point", func() error {
		_, err := b.w.nearest(b.ctx, "point", at, 3_000, nil, 8)
		return err
	})
}

// stale measures the first search over a crowd of members who have become stale. A later one
// may find them swept, so each block has a pool of its own.
func (b *bench) stale() error {
	at, pools := b.town.spots[0], 0
	later, err := newWaggle(b.w.url, b.meter, b.w.ahead+ttl+time.Minute, b.w.start)
	if err != nil {
		return err
	}
	defer later.store.Close()
	searched := 0
	return b.row(ours, operation{name: fmt.Sprintf("nearest 8, %s stale members at the point", thousands(b.o.Crowd)), on: b.clock, most: 1,
		prepare: func(n int) error {
			for range n {
				pools++
				if err := b.w.join(b.ctx, fmt.Sprint("stale-", pools), people("stale", b.o.Crowd, here(at)), nil); err != nil {
					return err
				}
			}
			return nil
		},
		do: func(func() error) error {
			searched++
			_, err := later.nearest(b.ctx, fmt.Sprint("stale-", searched), at, 3_000, nil, 8)
			return err
		}})
}

// refused measures messages that are refused for their rate, in a crowd, beside an accepted
// report.
func (b *bench) refused() error {
	at := b.town.spots[0]
	all := people("strict", b.o.Crowd, here(at))
	if err := b.w.join(b.ctx, strictPool, all, nil); err != nil {
		return err
	}
	ask := func(p person, at geo.Point) error {
		r, err := b.w.request(b.ctx, b.w.session(strictPool, p.id), at, 3_000, []string{absent}, 0)
		return deliver(b.ctx, r, err)
	}
	nobody := b.town.empty(true) // where each member's one request looks
	if err := each(len(all), func(i int) error { return ask(all[i], nobody) }); err != nil {
		return err
	}
	must := func(err error) error {
		var f *match.Fault
		if errors.As(err, &f) && f.Kind == match.RateLimited {
			return nil
		}
		return fmt.Errorf("the message was not refused for its rate: %w", err)
	}
	i := 0
	next := func() person { i++; return all[i%len(all)] }
	return first(
		func() error {
			return b.ours("refused match, "+thousands(b.o.Crowd)+" members at the point", func() error { return must(ask(next(), at)) })
		},
		func() error {
			return b.ours("refused report", func() error {
				p := next()
				return must(b.w.report(b.ctx, b.w.session(strictPool, p.id), p.at, nil))
			})
		})
}

// waiting measures reports beside waiting requests in their cell that do not fit, or nearly
// do. All stand at one place, and the requests' circles cover it unless they say otherwise.
func (b *bench) waiting() error {
	at := b.town.spots[0]
	for _, c := range []struct {
		pool, name string
		tags       []string
		at         geo.Point
		radius     float64
	}{
		{"tags", "by tag", []string{absent}, at, 1_000},
		{"distance", "by distance", nil, inCell(at, 1_500), 500},
		{"nearly-tags", "by one tag of two", []string{common1, absent}, at, 1_000},
		{"nearly-distance", "by some metres", nil, inCell(at, 530), 500},
	} {
		all := people("reporter", reporters, func(int) geo.Point { return b.town.near(at) })
		if err := b.w.join(b.ctx, c.pool, all, nil); err != nil {
			return err
		}
		there, turn := 0, 0
		for _, n := range append([]int{0}, b.o.Waiting...) {
			if n == 0 && c.pool != "tags" {
				continue
			}
			if err := each(n-there, func(i int) error {
				x := b.w.session(c.pool, name("waits", there+i))
				if err := b.w.connect(b.ctx, x); err != nil {
					return err
				}
				return b.letWait(x, c.at, c.radius, c.tags)
			}); err != nil {
				return err
			}
			there = n
			label := fmt.Sprintf("report beside %s waiting requests that do not fit %s", thousands(n), c.name)
			if n == 0 {
				label = "report beside 0 waiting requests"
			}
			report := func(away float64) error { // by so much of the way to the middle of the circles
				turn++
				p := all[turn%reporters]
				to := geo.Point{Lat: p.at.Lat + away*(p.at.Lat-c.at.Lat), Lng: p.at.Lng + away*(p.at.Lng-c.at.Lng)}
				return b.w.report(b.ctx, b.w.session(c.pool, p.id), to, nil)
			}
			// Their first reports look at all that wait, the next at what is new.
			for range reporters * (n/1_000 + 1) {
				if err := report(0); err != nil {
					return err
				}
			}
			if err := b.ours(label, func() error { return report(0) }); err != nil {
				return err
			}
			if c.pool == "nearly-distance" {
				if err := b.ours(label+", a hundred metres from the one before", func() error {
					return report(float64((turn+1)/reporters%2) * 0.2)
				}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// inCell returns a place so many metres from another and in its shard cell.
func inCell(p geo.Point, metres float64) geo.Point {
	for _, d := range [][2]float64{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
		if q := move(p, d[0]*metres, d[1]*metres); geo.ShardCell(q) == geo.ShardCell(p) {
			return q
		}
	}
	return p // impossible: no shard cell is that narrow in all directions
}
