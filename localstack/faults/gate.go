package faults

import (
	"context"
	"sync"
)

// A gate holds back at most one caller for each key.
type gate struct {
	mu   sync.Mutex
	held map[string]context.CancelFunc // each releases its caller
}

// pass lets a caller overtake the one that is held under the key: served releases that
// one.
func (g *gate) pass(key string) (served func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if release, ok := g.held[key]; ok {
		return release
	}
	return func() {}
}

// hold holds the caller back, if the fault occurs, until a later caller was served or
// the fault's time has passed. If another caller is held already, hold is like pass.
func (f *Faults) hold(ctx context.Context, g *gate, key string, k kind) (served func()) {
	g.mu.Lock()
	release, ok := g.held[key]
	if ok || !f.occurs(k) {
		g.mu.Unlock()
		if ok {
			return release
		}
		return func() {}
	}
	wait, release := context.WithTimeout(f.active, f.kinds[k].Time)
	if g.held == nil {
		g.held = make(map[string]context.CancelFunc)
	}
	g.held[key] = release
	g.mu.Unlock()
	select {
	case <-wait.Done():
	case <-ctx.Done():
	}
	g.mu.Lock()
	delete(g.held, key)
	g.mu.Unlock()
	release()
	return func() {}
}
