package replay

import (
	"fmt"
	"time"

	"waggle/cmd/waggle/endpoint"
	"waggle/internal/pool"
	"waggle/lab/record"
)

// PoolFile returns the pool file for a replay at a speed: a pool with these times, without a
// largest speed, since the judge takes every fix of a trace for true, and otherwise default settings, with times divided by the speed and rates multiplied.
func PoolFile(name string, ttl, grace time.Duration, speed float64) ([]byte, error) {
	if !pool.ValidName(name) {
		return nil, endpoint.BadPool(name)
	}
	pools, err := pool.Parse(fmt.Appendf(nil, `{"pools":{%q:{"locationTTL":%g,"grace":%g,"maxSpeed":0}}}`,
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

// A PoolError is the error for a pool that is not set for the speed.
type PoolError struct {
	Pool          string
	Speed         float64
	TTL           time.Duration
	Advised, Want time.Duration // how often free cabs report
}

func (e *PoolError) Error() string {
	return fmt.Sprintf("the pool %s is not set for this speed: it wants a report every %v, and with a TTL of %v at speed %g that would be every %v",
		e.Pool, e.Advised, e.TTL, e.Speed, e.Want)
}

// slowest is the longest time that the server advises between two reports of a free cab.
// Half the TTL is advised if that is shorter.
const slowest = 30 * time.Second

// advised notes the first advice to a free cab. The protocol shows no other settings of a
// pool.
func (r *runner) advised(advice record.Advice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.advice == 0 {
		r.advice = time.Duration(advice.AfterSeconds * float64(time.Second))
	}
}

// checkPool compares the advice with the speed. It cannot see a difference if both times
// are the slowest.
func (r *runner) checkPool() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	want := min(slowest, r.fast(r.TTL)/2)
	off := (r.advice - want).Abs()
	if r.AnyPool || r.advice == 0 || off <= want/100 {
		return nil
	}
	return &PoolError{Pool: r.Pool, Speed: r.Speed, TTL: r.TTL, Advised: r.advice, Want: want.Round(time.Millisecond)}
}
