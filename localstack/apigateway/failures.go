package apigateway

import (
	"log/slog"
	"sync"
	"time"
)

// failuresPerSecond bounds the lines about failed invocations. Under overload each message
// may fail, and writing a line for each would cost more than serving it.
const failuresPerSecond = 10

// A failureLog logs failed invocations, and counts those beyond the bound.
type failureLog struct {
	log *slog.Logger

	mu      sync.Mutex
	second  int64 // of the newest line
	lines   int   // in that second
	skipped int   // since the last line
}

// add logs one failure. The next line after skipped ones says how many they were.
func (f *failureLog) add(what string, attributes ...any) {
	f.mu.Lock()
	if now := time.Now().Unix(); now != f.second {
		f.second, f.lines = now, 0
	}
	if f.lines == failuresPerSecond {
		f.skipped++
		f.mu.Unlock()
		return
	}
	f.lines++
	if f.skipped > 0 {
		attributes = append(attributes, "skipped", f.skipped)
		f.skipped = 0
	}
	f.mu.Unlock()
	f.log.Error("apigateway: "+what, attributes...)
}
