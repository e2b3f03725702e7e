package telemetry

import (
	"context"
	"sync/atomic"
	"time"
)

// An Invocation is what serving one event has cost so far, for its line in the log.
type Invocation struct {
	trips, repeats, pushes, cache atomic.Int64
}

type key struct{}

// With returns a context for serving an event.
func (i *Invocation) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, i)
}

// Of returns the invocation that the context is for. It is never nil.
func Of(ctx context.Context) *Invocation {
	if i, ok := ctx.Value(key{}).(*Invocation); ok {
		return i
	}
	return new(Invocation)
}

// AddTrip adds a trip to the cache, which repeats another one or not.
func (i *Invocation) AddTrip(took time.Duration, repeats bool) {
	i.trips.Add(1)
	i.cache.Add(int64(took))
	if repeats {
		i.repeats.Add(1)
	}
}

// AddPush adds a push.
func (i *Invocation) AddPush() { i.pushes.Add(1) }

// Trips returns the trips to the cache, and how many of them repeated another.
func (i *Invocation) Trips() (all, repeats int64) { return i.trips.Load(), i.repeats.Load() }

// Pushes returns the pushes.
func (i *Invocation) Pushes() int64 { return i.pushes.Load() }

// InCache returns how long the trips took, one after the other.
func (i *Invocation) InCache() time.Duration { return time.Duration(i.cache.Load()) }
