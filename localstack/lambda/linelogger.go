package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
)

// lineLogger logs the output of a function line by line: a line of structured log at its
// own level, any other line as a warning.
type lineLogger struct {
	log      *slog.Logger
	function string
	taken    func([]byte) bool
	mu       sync.Mutex
	rest     []byte
	ended    bool
}

// Write implements io.Writer.
func (l *lineLogger) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return len(b), nil
	}
	l.rest = append(l.rest, b...)
	for {
		line, rest, complete := bytes.Cut(l.rest, []byte("\n"))
		if !complete {
			return len(b), nil
		}
		l.logLine(line)
		l.rest = rest
	}
}

// end logs the last, incomplete line, and discards all further output.
func (l *lineLogger) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.logLine(l.rest)
	}
	l.rest, l.ended = nil, true
}

func (l *lineLogger) logLine(line []byte) {
	if l.taken != nil && l.taken(line) {
		return
	}
	level := slog.LevelWarn
	var structured struct{ Level *slog.Level }
	if json.Unmarshal(line, &structured) == nil && structured.Level != nil {
		level = *structured.Level
	} else if bytes.Contains(line, []byte(`"errorMessage"`)) {
		level = slog.LevelInfo // the error of an invocation, which the caller gets too
	}
	l.log.Log(context.Background(), level, "function", "name", l.function, "output", string(line))
}
