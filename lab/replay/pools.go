package replay

import (
	"fmt"
	"time"

	"waggle/cmd/waggle/endpoint"
	"waggle/internal/pool"
	"waggle/lab/record"
)

// PoolFile is the pool file for a replay at this speed: of a pool with these
// times and otherwise default settings, times divided by speed and rates
// multiplied.
func PoolFile(name string, ttl, grace time.Duration, speed float64) ([]byte, error) {
	if !pool.ValidName(name) {
		return nil, endpoint.BadPool(name)
	}
	pools, err := pool.Parse(fmt.Appendf(nil, `{"pools":{%q:{"locationTTL":%g,"grace":%g}}}`,
		name, ttl.Seconds(), grace.Seconds()))
	if err != nil {
		return nil, err
	}
	faster, err := pools.Faster(speed)
	if err != nil {
		return nil, err
	}
	return faster.JSON(), nil
}

// A PoolError is a pool that is not set for the speed.
type PoolError struct {
	Pool       string
	Speed      float64
	TTL        time.Duration
	Told, Want time.Duration // how often free cabs are to report
}

func (e *PoolError) Error() string {
	return fmt.Sprintf("the pool %s is not set for this speed: it wants a report every %v, and with a TTL of %v at speed %g that would be every %v",
		e.Pool, e.Told, e.TTL, e.Speed, e.Want)
}

// slowest is how rarely, at most, a pool wants a free cab's report; it is half the
// TTL where that is sooner.
const slowest = 30 * time.Second

// advised notes what a free cab is told at the beginning: all that the protocol
// tells of a pool's settings.
func (r *runner) advised(advice record.Advice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.advice == 0 {
		r.advice = time.Duration(advice.AfterSeconds * float64(time.Second))
	}
}

// checkPool compares that with the speed. Where both times are the slowest there
// is no difference to be seen.
func (r *runner) checkPool() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	want := min(slowest, r.fast(r.TTL)/2)
	off := (r.advice - want).Abs()
	if r.AnyPool || r.advice == 0 || off <= want/100 {
		return nil
	}
	return &PoolError{Pool: r.Pool, Speed: r.Speed, TTL: r.TTL, Told: r.advice, Want: want.Round(time.Millisecond)}
}
