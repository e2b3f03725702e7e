package bench

import (
	"fmt"
	"time"

	"waggle/internal/geo"
)

// busyFor is how many operations keep the server busy.
const busyFor = 3_000

// busy measures what one core of the cache can do for one shard cell when many messages come
// at the same time: operations over the processor time that they took together.
func (b *bench) busy() error {
	const pool = "busy"
	at := b.town.spots[1]
	all := people(pool, b.o.Crowd, func(int) geo.Point {
		for {
			p := move(at, b.town.random.NormFloat64()*sigma, b.town.random.NormFloat64()*sigma)
			if geo.ShardCell(p) == geo.ShardCell(at) {
				return p
			}
		}
	})
	if err := b.w.join(b.ctx, pool, all, nil); err != nil {
		return err
	}
	n := min(busyFor, 10*b.o.Crowd)
	asks := people("asks", n, here(at))
	if err := each(n, func(i int) error { return b.w.connect(b.ctx, b.w.session(pool, asks[i].id)) }); err != nil {
		return err
	}
	for _, op := range []struct {
		name string
		do   func(i int) error
	}{
		{steady, func(i int) error {
			p := all[i%len(all)]
			return b.w.report(b.ctx, b.w.session(pool, p.id), p.at, nil)
		}},
		{denseRow, func(i int) error {
			_, err := b.w.nearest(b.ctx, pool, all[i%len(all)].at, 3_000, nil, 8)
			return err
		}},
		{matchAndEnd, func(i int) error {
			x := b.w.session(pool, asks[i].id)
			r, err := b.w.request(b.ctx, x, all[i%len(all)].at, 3_000, nil, 0)
			if err = deliver(b.ctx, r, err); err != nil {
				return err
			}
			id, err := matchedIn(r)
			if err != nil {
				return err
			}
			return b.w.end(b.ctx, x, id)
		}},
	} {
		before, err := b.server.cpu()
		if err != nil {
			return err
		}
		if err := each(n, op.do); err != nil {
			return fmt.Errorf("many at the same time: %s: %w", op.name, err)
		}
		after, err := b.server.cpu()
		if err != nil {
			return err
		}
		b.result.Busy = append(b.result.Busy, Busy{Operation: op.name, PerSecond: round(float64(n) * float64(time.Second) / float64(after-before))})
	}
	return nil
}
