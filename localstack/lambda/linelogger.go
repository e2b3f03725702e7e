package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
)

// lines logs what a function writes, a line at a time: at the level that a line of
// structured log has, at that of a warning otherwise.
type lines struct {
	log      *slog.Logger
	function string
	mu       sync.Mutex
	rest     []byte
	ended    bool
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return len(b), nil
	}
	l.rest = append(l.rest, b...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		l.say(line)
		l.rest = rest
	}
}

// end logs a last line that was not ended, and no more.
func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.say(l.rest)
	}
	l.rest, l.ended = nil, true
}

func (l *lines) say(line []byte) {
	level := slog.LevelWarn
	var structured struct{ Level *slog.Level }
	if json.Unmarshal(line, &structured) == nil && structured.Level != nil {
		level = *structured.Level
	} else if bytes.Contains(line, []byte(`"errorMessage"`)) {
		level = slog.LevelInfo // its error, which whoever invoked it has too
	}
	l.log.Log(context.Background(), level, "function", "name", l.function, "said", string(line))
}
