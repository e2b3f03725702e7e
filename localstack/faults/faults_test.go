package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/store"
	"waggle/localstack/faults"
	"waggle/test/kit"
)

// A bench has faults in a synctest bubble, and records the events that reach the
// functions.
type bench struct {
	*faults.Faults
	t *testing.T

	mu     sync.Mutex
	served []string // payloads
}

func inBubble(t *testing.T, text string, test func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f, err := faults.New(text)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Stop()
		test(&bench{Faults: f, t: t})
	})
}

// Invoke implements apigateway.Invoker.
func (b *bench) Invoke(_ context.Context, function string, payload []byte) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.served = append(b.served, string(payload))
	return []byte(function + " served it"), nil
}

// order returns the events that were served, in their order.
func (b *bench) order() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.served)
}

// event sends an event. It returns how often it was served, and after what time.
func (b *bench) event(payload string) (served int, took time.Duration) {
	b.t.Helper()
	began := time.Now()
	answer, err := b.Events(b).Invoke(b.t.Context(), "f", []byte(payload))
	took = time.Since(began)
	for _, p := range b.order() {
		if p == payload {
			served++
		}
	}
	want := "f served it"
	if served == 0 {
		want = `{"statusCode":200}`
	}
	if err != nil || string(answer) != want {
		b.t.Errorf("%s: got %s, %v, want %s", payload, answer, err, want)
	}
	return served, took
}

// trip makes a trip of two commands, and returns those whose replies are lost.
func (b *bench) trip() (lost []int, took time.Duration) {
	began, sent := time.Now(), false
	b.Trip(b.t.Context(), make([]store.Command, 2), func(ctx context.Context, which ...int) {
		switch {
		case ctx.Err() != nil && sent:
			lost = which
		case sent || len(which) > 0:
			b.t.Error("the commands were run twice")
		}
		sent = true
	})
	return lost, time.Since(began)
}

// payload is an event, such as a MESSAGE of ana on connection c1.
func payload(kind, member, connection, more string) string {
	return fmt.Sprintf(`{"requestContext":{"eventType":%q,"connectionId":%q,"authorizer":{"principalId":%q}},"body":%q}`, kind, connection, member, more)
}

// opportunities gives each fault one opportunity, and reports whether it occurred.
func opportunities() map[string]func(b *bench, n int) (occurred bool) {
	once := func(kind string) func(*bench, int) (int, time.Duration) {
		return func(b *bench, n int) (int, time.Duration) { return b.event(payload(kind, "ana", "c1", fmt.Sprint(n))) }
	}
	message, disconnect := once("MESSAGE"), once("DISCONNECT")
	return map[string]func(*bench, int) bool{
		"lost-disconnect": func(b *bench, n int) bool { served, _ := disconnect(b, n); return served == 0 },
		"late-disconnect": func(b *bench, n int) bool { _, took := disconnect(b, n); return took == 2*time.Second },
		"duplicate":       func(b *bench, n int) bool { served, _ := message(b, n); return served == 2 },
		"reorder":         func(b *bench, n int) bool { _, took := message(b, n); return took == 200*time.Millisecond },
		"gone":            func(b *bench, _ int) bool { return b.Post("c1") == http.StatusGone },
		"limit":           func(b *bench, _ int) bool { return b.Post("c1") == http.StatusTooManyRequests },
		"lost-reply":      func(b *bench, _ int) bool { lost, _ := b.trip(); return len(lost) > 0 },
		"slow-cache":      func(b *bench, _ int) bool { _, took := b.trip(); return took == 100*time.Millisecond },
	}
}

// decisions returns whether one fault occurred, for each opportunity.
func decisions(t *testing.T, name, text string, times int) (occurred []bool) {
	t.Helper()
	inBubble(t, text, func(b *bench) {
		count := 0
		for n := range times {
			occurred = append(occurred, opportunities()[name](b, n))
			if occurred[n] {
				count++
			}
		}
		for _, c := range b.Counts() {
			want := faults.Count{Name: name, Occurred: count, Opportunities: times}
			if name == "lost-reply" {
				want.Opportunities, want.Occurred = 2*times, c.Occurred // each of its two commands
			}
			if c != want {
				t.Errorf("%s: counted %+v, want %+v", text, c, want)
			}
		}
	})
	return occurred
}

func TestEachFaultOccursAtProbabilityOneAndNotAtZero(t *testing.T) {
	for _, fault := range faults.All() {
		name := fault.Name
		t.Run(name, func(t *testing.T) {
			for probability, want := range map[string]bool{"1": true, "0": false} {
				for n, occurred := range decisions(t, name, name+"="+probability, 20) {
					if occurred != want {
						t.Errorf("probability %s, opportunity %d: got %t, want %t", probability, n, occurred, want)
					}
				}
			}
		})
	}
}

func TestTheSeedDecidesWhichFaultsOccur(t *testing.T) {
	const times = 1000
	first := kit.Seed(t)
	seen := make(map[string]string)
	for _, fault := range faults.All() {
		name := fault.Name
		text := fmt.Sprintf("%s=0.3,seed=%d", name, first)
		got := decisions(t, name, text, times)
		if diff := cmp.Diff(got, decisions(t, name, text, times)); diff != "" {
			t.Errorf("%s, twice with one seed:\n%s", name, diff)
		}
		if cmp.Equal(got, decisions(t, name, fmt.Sprintf("%s=0.3,seed=%d", name, first+1), times)) {
			t.Errorf("%s: the next seed decides the same", name)
		}
		if other, ok := seen[fmt.Sprint(got)]; ok {
			t.Errorf("%s occurs whenever %s does", name, other)
		}
		seen[fmt.Sprint(got)] = name
		occurred, want := strings.Count(fmt.Sprint(got), "true"), 0.3*times
		if name == "lost-reply" {
			want = 0.51 * times // of either command
		}
		if diff := float64(occurred) - want; diff < -90 || diff > 90 {
			t.Errorf("%s occurred %d times of %d, want about %v", name, occurred, times, want)
		}
	}
}

func TestKindsOfFaultsAreIndependent(t *testing.T) {
	var alone, together []int
	inBubble(t, "gone=0.5", func(b *bench) {
		for range 100 {
			alone = append(alone, b.Post("c1"))
		}
	})
	inBubble(t, "gone=0.5,duplicate=0.5,lost-reply=0.5,slow-cache=0.5", func(b *bench) {
		for n := range 100 {
			b.event(payload("MESSAGE", "ana", "c1", fmt.Sprint(n)))
			together = append(together, b.Post("c1"))
			b.trip()
		}
	})
	if diff := cmp.Diff(alone, together); diff != "" {
		t.Errorf("other faults make a difference (-alone +with others):\n%s", diff)
	}
}

func TestNoFaultOccursAfterStop(t *testing.T) {
	for _, fault := range faults.All() {
		name := fault.Name
		inBubble(t, name+"=1", func(b *bench) {
			opportunities()[name](b, 0)
			before := b.Counts()
			b.Stop()
			for n := 1; n < 10; n++ {
				if opportunities()[name](b, n) {
					t.Errorf("%s occurred", name)
				}
			}
			if diff := cmp.Diff(before, b.Counts()); diff != "" {
				t.Errorf("the counts have changed:\n%s", diff)
			}
		})
	}
}

func TestTheSummaryCountsFaults(t *testing.T) {
	inBubble(t, "limit=0.5,gone=1,lost-reply=0", func(b *bench) {
		b.Post("c1")
		b.Post("c2")
		if got, want := b.Summary(), "Faults injected: gone 2 of 2, limit 0 of 0"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	inBubble(t, "gone=0", func(b *bench) {
		if got, want := b.Summary(), "Faults injected: none was on"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestAFaultHasItsTime(t *testing.T) {
	inBubble(t, "limit=1@2s-3s", func(b *bench) {
		var got []int
		for range 5 {
			got = append(got, b.Post("c"))
			time.Sleep(750 * time.Millisecond)
		}
		if diff := cmp.Diff([]int{0, 0, 0, http.StatusTooManyRequests, 0}, got); diff != "" {
			t.Errorf("refused at 0, 0.75 … s (-want +got):\n%s", diff)
		}
	})
}
