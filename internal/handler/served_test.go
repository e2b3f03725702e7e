package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/internal/telemetry"
)

// counted is a Recorder that adds up.
type counted map[string]float64

func (c counted) Record(id telemetry.ID, attribute string, value float64) {
	i := id.Instrument()
	if i.Attribute != "" && !slices.Contains(i.Values, attribute) {
		attribute = "not listed: " + attribute
	}
	if i.Kind == telemetry.Counter {
		c[strings.TrimSpace(i.Name+" "+attribute)] += value
	}
}

func (c counted) Flush() { c["flushed"]++ }

func (s *sessions) Report(ctx context.Context, _ match.Session, _ match.Report) (match.Reported, error) {
	telemetry.Of(ctx).AddTrip(3*time.Millisecond, false)
	telemetry.Of(ctx).AddTrip(time.Millisecond, true)
	return match.Reported{Status: s.status, Now: 9}, s.err
}

// report is one with a token and a place that no line may have.
func report() Event {
	e := event("location", ana())
	e.RequestContext.RequestID = "r="
	e.QueryStringParameters = map[string]string{"token": "eyJhbGciOiJFUzI1NiJ9"}
	e.Headers = map[string]string{"Sec-WebSocket-Protocol": "bearer.eyJhbGciOiJFUzI1NiJ9"}
	e.Body = `{"action":"location","lat":48.8566,"lng":2.3522}`
	return e
}

func TestAnEventHasOneLineInTheLog(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		body string
		want map[string]any
	}{
		"done":      {nil, "", map[string]any{"level": "INFO", "msg": "served", "outcome": "ok", "trips": 2.0, "retries": 1.0, "cacheUs": 4000.0, "sampled": 100.0}},
		"a fault":   {&match.Fault{Kind: match.Stale, Text: "too old"}, "", map[string]any{"level": "DEBUG", "msg": "refused", "outcome": "stale", "trips": 2.0, "retries": 1.0, "cacheUs": 4000.0, "err": "too old"}},
		"no cache":  {match.ErrUnavailable, "", map[string]any{"level": "ERROR", "msg": "failed", "outcome": "unavailable", "trips": 2.0, "retries": 1.0, "cacheUs": 4000.0, "err": "the cache cannot be reached"}},
		"a bug":     {errors.New("nil map"), "", map[string]any{"level": "ERROR", "msg": "failed", "outcome": "internal", "trips": 2.0, "retries": 1.0, "cacheUs": 4000.0, "err": "nil map"}},
		"malformed": {nil, `{"lat":48.8566`, map[string]any{"level": "DEBUG", "msg": "refused", "outcome": "invalid_message", "trips": 0.0, "retries": 0.0, "cacheUs": 0.0}},
	} {
		h, _, _ := serving(&sessions{status: match.StatusLate, err: test.err})
		var text strings.Builder
		h.Log = slog.New(slog.NewJSONHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
		e := report()
		if test.body != "" {
			e.Body = test.body
		}
		if _, err := h.Handle(t.Context(), e); err != nil {
			t.Error(err)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(text.String()), &got); err != nil {
			t.Fatalf("%s: %v: not one line: %s", name, err, &text)
		}
		if us, ok := got["us"].(float64); !ok || us < 0 {
			t.Errorf("%s: took %v", name, got["us"])
		}
		delete(got, "us")
		delete(got, "time")
		test.want["action"], test.want["request"], test.want["connection"], test.want["pushes"] = "location", "r=", "c=", 0.0
		test.want["member"] = hashed{Pool: "default", ID: "ana"}.LogValue().String()
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, secret := range []string{"eyJ", "48.8", "2.35", "ana"} {
			if strings.Contains(text.String(), secret) {
				t.Errorf("%s: %s is in the line %s", name, secret, &text)
			}
		}
	}
}

func TestAHundredthOfTheReportsIsLoggedAndEachFailure(t *testing.T) {
	store := &sessions{status: match.StatusLate}
	h, _, _ := serving(store)
	var text strings.Builder
	h.Log = slog.New(slog.NewTextHandler(&text, nil))
	for range 2*sampled + 1 {
		if _, err := h.Handle(t.Context(), report()); err != nil {
			t.Error(err)
		}
	}
	store.err = match.ErrUnavailable
	for range 2 {
		if _, err := h.Handle(t.Context(), report()); err != nil {
			t.Error(err)
		}
	}
	if served, failed := strings.Count(text.String(), "msg=served"), strings.Count(text.String(), "msg=failed"); served != 3 || failed != 2 {
		t.Errorf("got %d lines of reports and %d of failures, want 3 and 2", served, failed)
	}
}

func TestAnEventIsCountedByItsActionAndItsError(t *testing.T) {
	for name, test := range map[string]struct {
		serve func(*Handler) error
		err   error
		want  counted
	}{
		"a report":        {handled(report()), nil, counted{"waggle.messages location": 1, "flushed": 1}},
		"one unavailable": {handled(report()), match.ErrUnavailable, counted{"waggle.messages location": 1, "waggle.messages.refused unavailable": 1, "flushed": 1}},
		"a connection":    {handled(event("$connect", ana())), errors.New("x"), counted{"waggle.messages connect": 1, "waggle.messages.refused internal": 1, "flushed": 1}},
		"nobody":          {handled(event("$connect", nil)), nil, counted{"waggle.messages connect": 1, "waggle.messages.refused unauthenticated": 1, "flushed": 1}},
		"an end":          {handled(event("$disconnect", ana())), nil, counted{"waggle.messages disconnect": 1, "flushed": 1}},
		"one gone":        {handled(event("ping", ana())), &match.Fault{Kind: match.Gone}, counted{"waggle.messages ping": 1, "waggle.messages.refused gone": 1, "flushed": 1}},
		"a verb": {func(h *Handler) error {
			_, err := h.Invoke(t.Context(), []byte(getAna))
			return err
		}, match.ErrUnavailable, counted{"waggle.messages verb": 1, "waggle.messages.refused unavailable": 1, "flushed": 1}},
	} {
		h, _, _ := serving(&sessions{status: match.StatusLate, err: test.err})
		if name == "a connection" || name == "an end" {
			h, _, _ = serving(&sessions{status: match.StatusOK, err: test.err})
		}
		got := counted{}
		h.Metrics, h.Audit = got, slog.New(slog.DiscardHandler)
		if err := test.serve(h); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func handled(e Event) func(*Handler) error {
	return func(h *Handler) error {
		_, err := h.Handle(context.Background(), e)
		return err
	}
}

// What the domain and the protocol may say is among the values that the instrument lists.
func TestEachErrorIsAValueOfTheInstrument(t *testing.T) {
	values := telemetry.Refusals.Instrument().Values
	for _, a := range append(slices.Collect(maps.Values(faults)), answerTo(errNobody), answerTo(match.ErrUnavailable), answerTo(errors.New("")), answer{code: protocol.CodeUnknownAction}) {
		if a.code != "" && !slices.Contains(values, string(a.code)) {
			t.Error(fmt.Sprint(a.code, " is not among the values of ", telemetry.Refusals.Instrument().Name))
		}
	}
}
