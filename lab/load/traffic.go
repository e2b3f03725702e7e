package load

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"waggle/clients/go/waggle"
)

// tick is how often the traffic is brought up to its rate.
const tick = 5 * time.Millisecond

// traffic sends reports and requests at their rates until ctx ends. It does not wait for
// answers. A member whose last report is still on its way into the socket is passed over,
// and counted.
func (r *runner) traffic(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var reports, requests float64 // due
	reporter, asker := 0, 0
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		passed := now.Sub(last)
		last = now
		t := r.now.Load()
		t.behind(passed - tick)
		reports += t.rate * passed.Seconds()
		requests += r.Requests * passed.Seconds()
		for ; reports >= 1 && len(r.reports) > 0; reports-- {
			m := r.reports[reporter%len(r.reports)]
			reporter++
			if !m.busy.CompareAndSwap(false, true) {
				t.refuseOne(notSent, &t.refusedReports)
				t.count(&t.sent)
				continue
			}
			r.running.Go(func() {
				defer m.busy.Store(false)
				m.report(ctx, nil)
			})
		}
		for ; requests >= 1 && len(r.askers) > 0; requests-- {
			m := r.askers[asker%len(r.askers)]
			asker++
			if !m.busy.CompareAndSwap(false, true) {
				t.count(&t.allAsking)
				continue
			}
			r.running.Go(func() {
				defer m.busy.Store(false)
				m.asks(ctx)
			})
		}
	}
}

const (
	// aloneRadius is the radius of a follower's request, in metres: the least that the
	// protocol allows.
	aloneRadius = 100
	// apartDegrees is far more than that.
	apartDegrees = 0.006
	// townDegrees is the width of the town, some 13 km.
	townDegrees = 0.12
)

// places makes up where members are. The same name gives the same places.
type places struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func newPlaces(name string) *places {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash never fails
	return &places{rnd: rand.New(rand.NewPCG(h.Sum64(), 1))}
}

// apart returns a place where nobody else is, away from the town.
func (p *places) apart(i int) waggle.Point {
	return waggle.Point{Lat: 39 + float64(i/50)*apartDegrees, Lng: -122.4 + float64(i%50)*apartDegrees}
}

func (p *places) inTown() waggle.Point {
	p.mu.Lock()
	defer p.mu.Unlock()
	return waggle.Point{Lat: 37.7 + townDegrees*p.rnd.Float64(), Lng: -122.5 + townDegrees*p.rnd.Float64()}
}

// near returns a place at most 35 m away.
func (p *places) near(at waggle.Point) waggle.Point {
	p.mu.Lock()
	defer p.mu.Unlock()
	return waggle.Point{Lat: at.Lat + 0.0004*(p.rnd.Float64()-0.5), Lng: at.Lng + 0.0004*(p.rnd.Float64()-0.5)}
}

func (p *places) shuffle(members []*member) {
	p.rnd.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
}
