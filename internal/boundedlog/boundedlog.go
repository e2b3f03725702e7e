// Package boundedlog keeps whoever causes failures from filling a log.
package boundedlog

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"
)

const (
	// perSecond is how many lines of one kind are logged in a second.
	perSecond = 5
	// pause is how long there is no further warning of the same kind about a connection.
	pause = time.Minute
)

// New returns a logger that passes on the first lines of each kind in a second, and of the
// warnings about one connection the first in a minute. A kind is a message, which must be a
// constant of the code; the connection is the line's own attribute of that name. The next
// line of that kind says how many were left out.
func New(log *slog.Logger, now func() time.Time) *slog.Logger {
	return slog.New(bounded{log.Handler(), &kinds{now: now, all: make(map[string]*kind)}})
}

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
	warned          map[string]time.Time // by connection
}

// Handle implements slog.Handler.
func (b bounded) Handle(ctx context.Context, r slog.Record) error {
	connection := ""
	if r.Level == slog.LevelWarn {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "connection" {
				connection = a.Value.String()
			}
			return true
		})
	}
	ok, leftOut := b.take(r.Message, connection)
	if !ok {
		return nil
	}
	if leftOut > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("leftOut", leftOut))
	}
	return b.Handler.Handle(ctx, r)
}

// take reports whether a line of that kind may be logged, and how many were left out before
// it. The connection is that of a warning, or "".
func (k *kinds) take(message, connection string) (ok bool, leftOut int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, line := k.now(), k.all[message]
	if line == nil {
		line = &kind{warned: make(map[string]time.Time)}
		k.all[message] = line
	}
	if now.Sub(line.since) >= time.Second {
		line.since, line.logged = now, 0
	}
	warned, again := line.warned[connection]
	if again && now.Sub(warned) < pause || line.logged == perSecond {
		line.leftOut++
		return false, 0
	}
	line.logged++
	leftOut, line.leftOut = line.leftOut, 0
	if connection != "" {
		// Few are kept, since few lines are logged in a minute.
		maps.DeleteFunc(line.warned, func(_ string, at time.Time) bool { return now.Sub(at) >= pause })
		line.warned[connection] = now
	}
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
