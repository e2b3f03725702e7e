package faults_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// send sends events one after the other, each after the one before is served or held
// back. A word is a connection and the text of its message, or $connect or $disconnect
// in place of the text. It returns what was served before any time passed.
func (b *bench) send(words ...string) []string {
	var events sync.WaitGroup
	ctx, cancel := context.WithCancel(b.t.Context())
	for _, word := range words {
		connection, text, _ := strings.Cut(word, " ")
		kind := map[string]string{"$connect": "CONNECT", "$disconnect": "DISCONNECT"}[text]
		if kind == "" {
			kind = "MESSAGE"
		}
		events.Go(func() { // the member is named like its connection
			_, _ = b.Events(b).Invoke(ctx, "f", []byte(payload(kind, connection, connection, word)))
		})
		synctest.Wait()
	}
	var order []string
	for _, p := range b.order() {
		_, body, _ := strings.Cut(p, `"body":"`)
		order = append(order, strings.TrimSuffix(body, `"}`))
	}
	cancel()
	events.Wait()
	return order
}

func TestEventsAreHeldBack(t *testing.T) {
	for name, test := range map[string]struct {
		faults       string
		events, want []string
	}{
		"a message waits for the next": {"reorder=1:20s", []string{"c1 a", "c1 b"}, []string{"c1 b", "c1 a"}},
		"every second one overtakes":   {"reorder=1:20s", []string{"c1 a", "c1 b", "c1 c", "c1 d"}, []string{"c1 b", "c1 a", "c1 d", "c1 c"}},
		"a single message waits":       {"reorder=1:20s", []string{"c1 a"}, nil},
		"another connection does not overtake": {"reorder=1:20s",
			[]string{"c1 a", "c2 a", "c2 b"}, []string{"c2 b", "c2 a"}},
		"a $disconnect does not overtake": {"reorder=1:20s", []string{"c1 a", "c1 $disconnect"}, []string{"c1 $disconnect"}},
		"a $disconnect waits for the member's next $connect": {"late-disconnect=1:20s",
			[]string{"ana $disconnect", "ben $connect", "ana hello", "ana $connect"},
			[]string{"ben $connect", "ana hello", "ana $connect", "ana $disconnect"}},
		"a lost $disconnect does not come late": {"lost-disconnect=1,late-disconnect=1:20s",
			[]string{"ana $disconnect", "ana $connect"}, []string{"ana $connect"}},
	} {
		inBubble(t, test.faults, func(b *bench) {
			if diff := cmp.Diff(test.want, b.send(test.events...)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		})
	}
}

func TestHeldEventsAreReleased(t *testing.T) {
	for name, test := range map[string]struct {
		release func(b *bench, cancel func())
		after   time.Duration
	}{
		"after its time":             {func(*bench, func()) {}, 20 * time.Second},
		"when the faults stop":       {func(b *bench, _ func()) { b.Stop() }, 0},
		"when the gateway times out": {func(_ *bench, cancel func()) { cancel() }, 0},
	} {
		for _, kind := range []string{"MESSAGE", "DISCONNECT"} {
			inBubble(t, "reorder=1:20s,late-disconnect=1:20s", func(b *bench) {
				ctx, cancel := context.WithCancel(b.t.Context())
				defer cancel()
				began := time.Now()
				var event sync.WaitGroup
				event.Go(func() { _, _ = b.Events(b).Invoke(ctx, "f", []byte(payload(kind, "ana", "c1", ""))) })
				synctest.Wait()
				test.release(b, cancel)
				event.Wait()
				if took := time.Since(began); took != test.after || len(b.order()) != 1 {
					t.Errorf("%s of %s: served %d after %v, want once after %v", name, kind, len(b.order()), took, test.after)
				}
			})
		}
	}
}

// The authorizer's events are of the kind CONNECT too.
func TestAuthorizerEventsAreNotHeldBack(t *testing.T) {
	inBubble(t, "late-disconnect=1:20s,duplicate=1,reorder=1:20s", func(b *bench) {
		event := strings.Replace(payload("CONNECT", "ana", "ana", "who"), "{", `{"type":"REQUEST",`, 1)
		var both sync.WaitGroup
		both.Go(func() { b.event(payload("DISCONNECT", "ana", "ana", "bye")) })
		synctest.Wait()
		if served, took := b.event(event); served != 1 || took != 0 {
			t.Errorf("served %d times after %v, want once and at once", served, took)
		}
		synctest.Wait()
		if len(b.order()) != 1 {
			t.Error("the authorizer's event released the $disconnect")
		}
		both.Wait()
	})
}
