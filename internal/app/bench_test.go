package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"syscall"
	"testing"
	"time"

	"waggle/internal/boundedlog"
	"waggle/internal/handler"
	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/protocol"
	"waggle/internal/store"
	"waggle/internal/telemetry"
	"waggle/test/kit/caches"
)

// dropping is a Pusher that drops what it gets, which must be no error. A real one costs more than all
// the rest.
type dropping struct{ b *testing.B }

func (d dropping) Push(_ context.Context, _ string, f protocol.Frame) error {
	if e, refused := f.(*protocol.Error); refused {
		d.b.Errorf("got %+v", e)
	}
	return nil
}

func (dropping) Close(context.Context, string) error { return nil }

// BenchmarkHandler serves messages on a real server by turns without and with logs and metrics, so that
// what else the machine does costs both the same. It reports the median of the turns: the processor
// time of this process for a message, in which there is no cache and no client, and how much more it is
// with logs and metrics.
func BenchmarkHandler(b *testing.B) {
	const turn = 20 // messages
	for route, body := range map[string]string{
		"location": `{"action":"location","id":"l%d","lat":37.7793,"lng":-122.4193}`,
		"match":    `{"action":"match","id":"m%d","lat":37.7793,"lng":-122.4193}`,
	} {
		b.Run(route, func(b *testing.B) {
			cache := caches.Server(b)
			handlers := [2]*handler.Handler{benchmarked(b, cache, false), benchmarked(b, cache, true)}
			var used [2][]time.Duration
			served := 0
			for turns := 0; b.Loop(); turns++ {
				for i := range handlers {
					i = (i + turns) % len(handlers)
					began := processorTime()
					for range turn {
						if _, err := handlers[i].Handle(b.Context(), benchmarkEvent(route, served, fmt.Sprintf(body, served))); err != nil {
							b.Fatal(err)
						}
						served++
					}
					used[i] = append(used[i], processorTime()-began)
				}
			}
			var median [2]float64
			for i := range used {
				slices.Sort(used[i])
				median[i] = float64(used[i][len(used[i])/2].Nanoseconds()) / turn
			}
			b.ReportMetric(median[0], "ns-without")
			b.ReportMetric(median[1], "ns-with")
			b.ReportMetric(100*(median[1]/median[0]-1), "%-more")
		})
	}
}

func processorTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// benchmarkEvent is one of many members, so that none sends too much. None may be found.
func benchmarkEvent(route string, n int, body string) handler.Event {
	e := handler.Event{Body: body}
	c := &e.RequestContext
	c.RouteKey, c.ConnectionID, c.RequestID = route, "R1kmxc2VNjMCFIA=", "YEgFF163Zr6NGuU="
	c.ConnectedAt, c.RequestTimeEpoch = time.Now().UnixMilli(), time.Now().UnixMilli()
	c.Authorizer = map[string]any{"member": fmt.Sprint("m", n%2000), "pool": "default", "roles": `["matcher"]`, "expires": "9999999999999"}
	return e
}

func benchmarked(b *testing.B, cache caches.Cache, measured bool) *handler.Handler {
	pools, err := pool.Parse([]byte(`{"pools":{"default":{"reportsPerSecond":1000,"reportsBurst":1000,"messagesPerSecond":1000,"messagesBurst":1000,"requestsPerMinute":1000}}}`))
	if err != nil {
		b.Fatal(err)
	}
	o := store.Options{URL: cache.URL, Pools: pools}
	h := &handler.Handler{Push: dropping{b}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	h.Service = &match.Service{Pools: pools, NewID: newID, Now: time.Now, Sleep: match.Sleep, Partners: new(match.Partners)}
	if measured {
		m := meter{telemetry.NewEMF(io.Discard, "Waggle", time.Now)}
		o.Observe, h.Metrics, h.Service.Measure, h.Push = m.trip, m.to, m.figures, measuredPusher{h.Push, m}
		h.Log = boundedlog.New(slog.New(slog.NewJSONHandler(io.Discard, nil)), time.Now)
	}
	h.Service.Push, h.Service.Log = h.Push, h.Log
	s, err := store.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	if err := s.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	h.Service.Store = s
	return h
}
