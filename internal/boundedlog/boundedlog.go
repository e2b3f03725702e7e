// Package boundedlog keeps whoever causes failures from filling a log.
package boundedlog

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// perSecond is how many lines of one kind are logged in a second.
const perSecond = 5

// New returns a logger that passes on the first lines of each kind in a second. A kind is a
// message, which must be a constant of the code. The next line of that kind says how many
// were left out.
func New(log *slog.Logger, now func() time.Time) *slog.Logger {
	return slog.New(bounded{log.Handler(), &kinds{now: now, all: make(map[string]*kind)}})
}

// bounded passes on the first lines of each kind in a second.
type bounded struct {
	slog.Handler
	*kinds
}

type kinds struct {
	now func() time.Time
	mu  sync.Mutex
	all map[string]*kind
}

type kind struct {
	since           time.Time
	logged, leftOut int
}

// Handle implements slog.Handler.
func (b bounded) Handle(ctx context.Context, r slog.Record) error {
	ok, leftOut := b.take(r.Message)
	if !ok {
		return nil
	}
	if leftOut > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("leftOut", leftOut))
	}
	return b.Handler.Handle(ctx, r)
}

// take reports whether a line of that kind may be logged, and how many were left out before it.
func (k *kinds) take(message string) (ok bool, leftOut int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, line := k.now(), k.all[message]
	if line == nil {
		line = &kind{}
		k.all[message] = line
	}
	if now.Sub(line.since) >= time.Second {
		leftOut = line.leftOut
		*line = kind{since: now}
	}
	if line.logged == perSecond {
		line.leftOut++
		return false, 0
	}
	line.logged++
	return true, leftOut
}

// WithAttrs implements slog.Handler.
func (b bounded) WithAttrs(attrs []slog.Attr) slog.Handler {
	return bounded{b.Handler.WithAttrs(attrs), b.kinds}
}

// WithGroup implements slog.Handler.
func (b bounded) WithGroup(name string) slog.Handler {
	return bounded{b.Handler.WithGroup(name), b.kinds}
}
