package waggle

import (
	"math/rand/v2"
	"time"
)

// A Backoff spreads the attempts to connect again. The wait before attempt n, from
// 0, is drawn evenly from 0 to Min·2ⁿ, at most Max. Drawing from the whole range
// ("full jitter") keeps all clients of a server that has restarted from connecting
// at once.
type Backoff struct {
	Min time.Duration // zero: 250 ms
	Max time.Duration // zero: 20 s
	// Jitter returns numbers in [0, 1). Nil: math/rand.
	Jitter func() float64
}

func (b Backoff) withDefaults() Backoff {
	if b.Min <= 0 {
		b.Min = 250 * time.Millisecond
	}
	if b.Max <= 0 {
		b.Max = 20 * time.Second
	}
	if b.Jitter == nil {
		b.Jitter = rand.Float64
	}
	return b
}

func (b Backoff) wait(attempt int) time.Duration {
	ceiling := b.Max
	// The shift is bounded so that it cannot overflow.
	if attempt < 32 {
		ceiling = min(b.Max, b.Min<<attempt)
	}
	return time.Duration(b.Jitter() * float64(ceiling))
}
