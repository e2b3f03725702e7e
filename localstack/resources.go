package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"runtime"
	runtimemetrics "runtime/metrics"
	"syscall"
	"time"

	"waggle/internal/topology"
)

// serveMetrics writes the stack's counters and what its process uses, in the text format
// of Prometheus. A value that this system does not tell is left out.
func (s *stack) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	line := func(name string, value any) { fmt.Fprintf(&b, "%s %v\n", name, value) }
	now := s.read()
	line("waggle_connections", now.members)
	line("waggle_reports_total", now.reports)
	line("waggle_matches_total", now.matches)
	line("waggle_errors_total", now.errors)
	line("waggle_throttled_total", s.throttled())
	stats := s.stats()
	for _, f := range topology.Functions() {
		byFunction := func(name string, value uint64) { line(fmt.Sprintf("%s{function=%q}", name, f.Name), value) }
		byFunction("waggle_invocations_total", stats[f.Name].Invocations)
		byFunction("waggle_invocation_errors_total", stats[f.Name].Errors)
		byFunction("waggle_function_throttles_total", stats[f.Name].Throttles)
	}
	if s.keys != nil {
		line("waggle_cache_keys", s.keys())
	}
	line("go_goroutines", runtime.NumGoroutine())
	live := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	if runtimemetrics.Read(live); live[0].Value.Kind() == runtimemetrics.KindUint64 {
		line("go_gc_heap_live_bytes", live[0].Value.Uint64())
	}
	if descriptors, err := os.ReadDir("/proc/self/fd"); err == nil {
		line("process_open_fds", len(descriptors)-1) // without the one that reads the folder
	}
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, resident int
		if _, err := fmt.Sscan(string(text), &size, &resident); err == nil {
			line("process_resident_memory_bytes", resident*os.Getpagesize())
		}
	}
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		line("process_cpu_seconds_total", time.Duration(usage.Utime.Nano()+usage.Stime.Nano()).Seconds())
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // fails if the client has disconnected
}
