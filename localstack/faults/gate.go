package faults

import (
	"context"
	"sync"
)

// A gate holds back at most one caller under a key.
type gate struct {
	mu   sync.Mutex
	held map[string]context.CancelFunc // each lets one go
}

// pass is for who goes ahead of whom is held under the key: served lets that one
// go.
func (g *gate) pass(key string) (served func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if letGo, ok := g.held[key]; ok {
		return letGo
	}
	return func() {}
}

// hold is pass where another is held under the key. Where none is, and the fault
// befalls, it holds the caller until one that came later was served, or for the
// fault's time.
func (f *Faults) hold(ctx context.Context, g *gate, key string, k kind) (served func()) {
	g.mu.Lock()
	letGo, ok := g.held[key]
	if ok || !f.befalls(k) {
		g.mu.Unlock()
		if ok {
			return letGo
		}
		return func() {}
	}
	wait, letGo := context.WithTimeout(f.on, f.dice[k].Time)
	if g.held == nil {
		g.held = make(map[string]context.CancelFunc)
	}
	g.held[key] = letGo
	g.mu.Unlock()
	select {
	case <-wait.Done():
	case <-ctx.Done():
	}
	g.mu.Lock()
	delete(g.held, key)
	g.mu.Unlock()
	letGo()
	return func() {}
}
