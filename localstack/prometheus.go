package main

import (
	"net/http"
	"regexp"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"waggle/internal/telemetry"
	"waggle/internal/topology"
)

// A scrape is what GET /metrics shows: the instruments of the functions, the numbers of the stack, and
// what its process uses, in the text format of Prometheus. It is a telemetry.Recorder.
type scrape struct {
	telemetry.Nowhere // Flush
	registry          *prometheus.Registry
	counters          map[telemetry.ID]*prometheus.CounterVec
	histograms        map[telemetry.ID]prometheus.Histogram
}

func newScrape() *scrape {
	s := &scrape{registry: prometheus.NewRegistry(), counters: make(map[telemetry.ID]*prometheus.CounterVec),
		histograms: make(map[telemetry.ID]prometheus.Histogram)}
	for _, i := range telemetry.Instruments() {
		name := i.PrometheusName()
		if i.Kind == telemetry.Counter {
			var labels []string
			if i.Attribute != "" {
				labels = []string{i.Attribute}
			}
			s.counters[i.ID] = prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: i.Description}, labels)
			s.registry.MustRegister(s.counters[i.ID])
			continue
		}
		s.histograms[i.ID] = prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: i.Description, Buckets: i.Buckets})
		s.registry.MustRegister(s.histograms[i.ID])
	}
	s.registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)})))
	return s
}

// Record implements telemetry.Recorder.
func (s *scrape) Record(id telemetry.ID, attribute string, value float64) {
	if h := s.histograms[id]; h != nil {
		h.Observe(value)
		return
	}
	var labels []string
	if id.Instrument().Attribute != "" {
		labels = []string{id.Value(attribute)}
	}
	s.counters[id].WithLabelValues(labels...).Add(value)
}

func (s *scrape) handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{})
}

// A numbers collects the numbers of the stack that no function knows.
type numbers struct{ *stack }

// Describe implements prometheus.Collector. Which numbers there are depends on the stack.
func (n numbers) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (n numbers) Collect(to chan<- prometheus.Metric) {
	send := func(name, help string, kind prometheus.ValueType, value float64, function ...string) {
		labels := []string{"function"}[:len(function)]
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, labels, nil), kind, value, function...)
	}
	send("waggle_connections", "open connections", prometheus.GaugeValue, float64(n.read().members))
	send("waggle_throttled_total", "invocations that the gateway has refused", prometheus.CounterValue, float64(n.throttled()))
	for _, f := range topology.Functions() {
		stats := n.stats()[f.Name]
		send("waggle_invocations_total", "invocations", prometheus.CounterValue, float64(stats.Invocations), f.Name)
		send("waggle_invocation_errors_total", "invocations that failed", prometheus.CounterValue, float64(stats.Errors), f.Name)
		send("waggle_function_throttles_total", "invocations for which there was no environment", prometheus.CounterValue, float64(stats.Throttles), f.Name)
	}
	if n.keys != nil {
		send("waggle_cache_keys", "keys of the embedded cache", prometheus.GaugeValue, float64(n.keys()))
	}
}
