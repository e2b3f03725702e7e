package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/telemetry"
	"waggle/internal/topology"
	"waggle/test/kit/caches"
	"waggle/test/kit/iamtest"
)

// failures play what each alarm is for, on real parts. Each starts a stack, and returns what breaks
// it and what then shows it.
func failures() map[string]func(*testing.T) (s *testStack, breaks, shows func()) {
	pings := func(s *testStack) func() {
		ana := s.dial("ana")
		return func() { ana.sendText(`{"action":"ping","id":"p"}`) }
	}
	pushes := func(status int) func(*testing.T) (*testStack, func(), func()) {
		return func(t *testing.T) (*testStack, func(), func()) {
			i := &interceptor{served: map[string]int{}, connection: map[string]string{}}
			s := startStack(t, config{Cache: caches.Embedded(t).URL, Faults: i})
			return s, func() { i.onPost(func(string) int { return status }) }, pings(s)
		}
	}
	signIns := func(refusal error) func(*testing.T) (*testStack, func(), func()) {
		return func(t *testing.T) (*testStack, func(), func()) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var refuses atomic.Bool
			front := iamtest.StartFront(t, l, hostOf(caches.Server(t, "--requirepass", "sesame")), "sesame", func(string, string) error {
				if refuses.Load() {
					return refusal
				}
				return nil
			})
			s := startStack(t, config{Cache: "redis://waggle:any@" + front.Address})
			return s, func() { refuses.Store(true); front.Drop() }, pings(s)
		}
	}
	return map[string]func(*testing.T) (*testStack, func(), func()){
		// The library in the cache is replaced by one whose functions are broken.
		"AnswersInternal": func(t *testing.T) (*testStack, func(), func()) {
			cache := caches.Server(t)
			s := startStack(t, config{Cache: cache.URL})
			return s, func() { breakScripts(t, cache) }, pings(s)
		},
		"AnswersUnavailable": func(t *testing.T) (*testStack, func(), func()) {
			cache := caches.Server(t)
			s := startStack(t, config{Cache: cache.URL})
			return s, func() { shutDown(t, cache) }, pings(s)
		},
		"PushesRefused": pushes(http.StatusForbidden),
		"PushesFailed":  pushes(http.StatusInternalServerError),
		// The quota of the account is used up, or the client does not read.
		"PushesThrottled": func(t *testing.T) (*testStack, func(), func()) {
			f := parseFaults(t, "limit=1")
			s := startStack(t, config{Cache: caches.Embedded(t).URL, Faults: f})
			return s, func() {}, pings(s)
		},
		"SignInsRefused":   signIns(errors.New("a wrong token")),
		"SignInsThrottled": signIns(iamtest.Refusal("ERR Exceeded limit of IAM Authentication requests")),
		"CommandsForbidden": func(t *testing.T) (*testStack, func(), func()) {
			cache := caches.Valkey(t)
			sendCommands(t, cache, "ACL SETUSER waggle >sesame "+topology.CacheAccess)
			s := startStack(t, config{Cache: "redis://waggle:sesame@" + hostOf(cache)})
			return s, func() { sendCommands(t, cache, "ACL SETUSER waggle -fcall -eval") }, pings(s)
		},
		"EventsNotPublished": func(t *testing.T) (*testStack, func(), func()) {
			out := &brokenWriter{}
			s := startStack(t, config{Cache: caches.Embedded(t).URL, Events: out})
			ana, ben := s.dial("ana"), s.dial("ben")
			return s, func() { out.broken.Store(true) }, func() { meetAndPart(ana, ben) }
		},
	}
}

// TestEachKindOfFailureMovesTheMetricThatItsAlarmReads, which is still before the failure.
func TestEachKindOfFailureMovesTheMetricThatItsAlarmReads(t *testing.T) {
	all := failures()
	for _, alarm := range telemetry.Alarms() {
		t.Run(alarm.ID, func(t *testing.T) {
			play := all[alarm.ID]
			if play == nil {
				t.Fatal("nothing plays what it is for: add that to failures")
			}
			s, breaks, shows := play(t)
			if alarm.ID == "PushesThrottled" { // its fault is there from the start
				shows()
				until(t, "the metric to move", func() bool { return s.counter(alarm) > 0 })
				return
			}
			if got := s.counter(alarm); got != 0 {
				t.Errorf("before the failure: got %v", got)
			}
			breaks()
			shows()
			until(t, "the metric to move", func() bool { return s.counter(alarm) > 0 })
		})
	}
}

// counter returns what /metrics shows of what an alarm reads.
func (s *testStack) counter(a telemetry.Alarm) float64 {
	s.t.Helper()
	name, labels := strings.ReplaceAll(a.Instrument.Instrument().Name, ".", "_")+"_total", ""
	if a.Value != "" {
		labels = fmt.Sprintf("{%s=%q}", a.Instrument.Instrument().Attribute, a.Value)
	}
	_, page := s.get("/metrics")
	found := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(name+labels) + " (.*)$").FindStringSubmatch(page)
	if found == nil {
		return 0
	}
	value, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		s.t.Error(err)
	}
	return value
}

func hostOf(c caches.Cache) string { return strings.TrimPrefix(c.URL, "redis://") }

// breakScripts puts a library in place of Waggle's whose functions all fail.
func breakScripts(t *testing.T, c caches.Cache) {
	t.Helper()
	client, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{hostOf(c)}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	libraries, err := client.Do(t.Context(), client.B().FunctionList().Build()).ToArray()
	if err != nil || len(libraries) != 1 {
		t.Fatalf("got %d libraries, %v", len(libraries), err)
	}
	library, err := libraries[0].AsMap()
	if err != nil {
		t.Fatal(err)
	}
	value := func(m valkey.ValkeyMessage) string { text, _ := m.ToString(); return text }
	code := "#!lua name=" + value(library["library_name"])
	functions := library["functions"]
	all, err := functions.ToArray()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		f, err := one.AsMap()
		if err != nil {
			t.Fatal(err)
		}
		code += fmt.Sprintf("\nredis.register_function(%q, function() error('broken') end)", value(f["name"]))
	}
	if err := client.Do(t.Context(), client.B().FunctionLoad().Replace().FunctionCode(code).Build()).Error(); err != nil {
		t.Fatal(err)
	}
}

// A brokenWriter fails once it is broken.
type brokenWriter struct{ broken atomic.Bool }

func (w *brokenWriter) Write(b []byte) (int, error) {
	if w.broken.Load() {
		return 0, errors.New("no space left")
	}
	return len(b), nil
}

// The functions that run as processes write what they count to their output, as on Lambda. The stack
// reads it there, and does not log it.
func TestTheStackReadsWhatProcessesMeasure(t *testing.T) {
	var log lockedBuffer
	c := config{Addr: "127.0.0.1:0", Cache: caches.Server(t).URL, Runtime: processes, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	asProcesses(t) // builds them
	c.Functions = "../" + localBuild
	running, err := start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s := &testStack{t: t, base: running.url("http", ""), api: running.url("ws", "/"+stage)}
	ana := s.dial("ana")
	ana.stillWorks()
	ana.report(lat, lng)
	until(t, "the report is counted", func() bool {
		_, page := s.get("/metrics")
		return strings.Contains(page, `waggle_messages_total{action="location"} 1`) && strings.Contains(page, `waggle_pushes_total{result="ok"}`)
	})
	if err := running.close(); err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Contains(text, "_aws") || !strings.Contains(text, `\"msg\":\"served\",\"action\":\"location\"`) {
		t.Errorf("the log has lines of metrics, or none of the report:\n%s", text)
	}
}
