package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// A kind is one sort of message, with what was measured of it.
type kind struct {
	name  string
	trips int // before the frame that is waited for
	floor bool
	total []time.Duration
	parts map[string][]time.Duration
	order []string
}

// kind returns the kind of that name.
func (b *bench) kind(name string) *kind {
	for _, k := range b.kinds {
		if k.name == name {
			return k
		}
	}
	k := &kind{name: name, parts: map[string][]time.Duration{}}
	b.kinds = append(b.kinds, k)
	return k
}

// forget drops what was measured so far.
func (b *bench) forget() { b.kinds = nil }

func (k *kind) add(part string, took time.Duration) {
	if _, known := k.parts[part]; !known {
		k.order = append(k.order, part)
	}
	k.parts[part] = append(k.parts[part], took)
}

// pair lets both members report, and matches them.
func (b *bench) pair(ctx context.Context) error {
	for _, c := range []*websocket.Conn{b.matchee, b.matcher, b.idle} {
		away := 0.0
		if c == b.idle {
			away = 1 // degree: nobody finds it
		}
		if _, err := b.ask(ctx, c, c, b.report(away), `"type":"ack"`); err != nil {
			return err
		}
	}
	_, err := b.ask(ctx, b.matcher, b.matcher, `{"action":"match","id":"m","radius":2000}`, `"type":"matched"`)
	if err != nil {
		return err
	}
	return b.read(ctx, b.matchee, `"type":"matched"`)
}

// report is a location message, a little north of the one before.
func (b *bench) report(away float64) string {
	b.location++
	return fmt.Sprintf(`{"action":"location","id":"l","lat":%.6f,"lng":-122.4172,"at":%d,"seq":%d}`,
		37.7764+away+float64(b.location%100)*0.000001, time.Now().UnixMilli(), b.location)
}

// ask sends a message, and returns how long it takes until a connection reads the frame.
func (b *bench) ask(ctx context.Context, from, to *websocket.Conn, message, frame string) (time.Duration, error) {
	began := time.Now()
	if err := from.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
		return 0, err
	}
	err := b.read(ctx, to, frame)
	return time.Since(began), err
}

func (b *bench) read(ctx context.Context, c *websocket.Conn, frame string) error {
	_, got, err := c.Read(ctx)
	if err != nil {
		return err
	}
	if !strings.Contains(string(got), frame) {
		return fmt.Errorf("got %s, want a frame with %s", got, frame)
	}
	return nil
}

// pause lets what a message leaves to do end before the next one begins.
const pause = 300 * time.Microsecond

// play sends rounds messages of each kind, in turns.
func (b *bench) play(ctx context.Context, rounds int) error {
	for range rounds {
		steps := []func(context.Context) error{b.bare, b.behindFront, b.floors(1), b.floors(2), b.pong, b.idleReport, b.watchedReport, b.watchedAndAcked}
		for _, step := range steps {
			time.Sleep(pause)
			if err := step(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	bareEcho = "echo, bare"
	gateEcho = "echo, by a function behind the gateway"
	onePing  = "one PING"
	onePost  = "one signed POST"
)

func (b *bench) bare(ctx context.Context) error {
	took, err := b.ask(ctx, b.echo, b.echo, "echo", "echo")
	b.floor(bareEcho, took)
	return err
}

func (b *bench) behindFront(ctx context.Context) error {
	took, err := b.ask(ctx, b.front, b.front, `{"action":"echo"}`, "echo")
	b.floor(gateEcho, took)
	return err
}

// floors makes an echo, a number of PINGs and a POST, one after the other: what a message
// with that many trips takes at least.
func (b *bench) floors(trips int) func(context.Context) error {
	return func(ctx context.Context) error {
		began := time.Now()
		_, err := b.ask(ctx, b.echo, b.echo, "echo", "echo")
		echoed := time.Now()
		for range trips {
			err = errors.Join(err, b.app.Store.Ping(ctx))
		}
		pinged := time.Now()
		err = errors.Join(err, b.sink.Post(ctx, "c=", []byte(`{"type":"pong","id":"p"}`)))
		posted := time.Now()
		b.floor(onePing, pinged.Sub(echoed)/time.Duration(trips))
		b.floor(onePost, posted.Sub(pinged))
		b.floor(floorOf(trips), posted.Sub(began))
		return err
	}
}

func floorOf(trips int) string {
	return fmt.Sprintf("floor: an echo, %d PING and one signed POST", trips)
}

func (b *bench) floor(name string, took time.Duration) {
	k := b.kind(name)
	k.floor, k.total = true, append(k.total, took)
}

func (b *bench) pong(ctx context.Context) error {
	return b.message(ctx, "ping → pong", b.idle, b.idle, `{"action":"ping","id":"p"}`, `"type":"pong"`)
}

func (b *bench) idleReport(ctx context.Context) error {
	return b.message(ctx, "location → ack, idle", b.idle, b.idle, b.report(1), `"type":"ack"`)
}

func (b *bench) watchedReport(ctx context.Context) error {
	withoutID := strings.Replace(b.report(0), `"id":"l",`, "", 1) // so there is no ack
	return b.message(ctx, "location → push to the watcher", b.matchee, b.matcher, withoutID, `"type":"location"`)
}

func (b *bench) watchedAndAcked(ctx context.Context) error {
	err := b.message(ctx, "location → push to the watcher, beside an ack", b.matchee, b.matcher, b.report(0), `"type":"location"`)
	return errors.Join(err, b.read(ctx, b.matchee, `"type":"ack"`))
}

// message sends one message, and splits the time until its frame is read.
func (b *bench) message(ctx context.Context, name string, from, to *websocket.Conn, text, frame string) error {
	b.expect(frame)
	began := time.Now()
	took, err := b.ask(ctx, from, to, text, frame)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	k := b.kind(name)
	k.total = append(k.total, took)
	k.split(began, began.Add(took), b.take())
	return nil
}

// split adds up the parts of a message, by its marks up to the last frame that left.
func (k *kind) split(began, ended time.Time, marks []mark) {
	if left := slices.IndexFunc(marks, func(m mark) bool { return m.what == "out" }); left >= 0 {
		marks = marks[:left+1]
	}
	if posted := slices.IndexFunc(marks, func(m mark) bool { return m.what == "post" }); posted >= 0 {
		marks = slices.DeleteFunc(marks, func(m mark) bool { return m.at.After(marks[posted].at) && m.what != "out" }) // another frame's
	}
	spent := map[string]time.Duration{}
	var order []string
	spend := func(part string, took time.Duration) {
		if _, known := spent[part]; !known {
			order = append(order, part)
		}
		spent[part] += took
	}
	at, part, trips := began, "frame in", 0
	for _, m := range marks {
		spend(part, m.at.Sub(at))
		at = m.at
		switch {
		case m.what == "in":
			part = "event to handler"
		case strings.HasPrefix(m.what, "trip "):
			trips++
			part = m.what
		case m.what == "post":
			part = "signing and posting"
		case m.what == "out":
			part = "frame out"
		default:
			part = "handler"
		}
	}
	spend(part, ended.Sub(at))
	k.trips = trips
	for _, part := range order {
		k.add(part, spent[part])
	}
}

// print prints the tables of docs/performance.md.
func (b *bench) print(out io.Writer) {
	fmt.Fprintf(out, "µs, %d messages of each kind\n\n| | p50 | p99 |\n|---|---|---|\n", len(b.kinds[0].total))
	for _, k := range b.kinds {
		if k.floor {
			fmt.Fprintf(out, "| %s | %.0f | %.0f |\n", k.name, percentile(k.total, 50), percentile(k.total, 99))
		}
	}
	fmt.Fprint(out, "\n| message, and where its time goes | p50 | p99 | floor p50 | floor p99 | p50 / floor | p99 / floor |\n|---|---|---|---|---|---|---|\n")
	for _, k := range b.kinds {
		if k.floor {
			continue
		}
		f50, f99 := percentile(b.kind(floorOf(k.trips)).total, 50), percentile(b.kind(floorOf(k.trips)).total, 99)
		p50, p99 := percentile(k.total, 50), percentile(k.total, 99)
		fmt.Fprintf(out, "| **%s** | %.0f | %.0f | %.0f | %.0f | %.2f | %.2f |\n", k.name, p50, p99, f50, f99, p50/f50, p99/f99)
		for _, part := range k.order {
			fmt.Fprintf(out, "| … %s | %.0f | %.0f | | | | |\n", part, percentile(k.parts[part], 50), percentile(k.parts[part], 99))
		}
	}
}

// percentile returns a percentile in microseconds.
func percentile(times []time.Duration, percent float64) float64 {
	sorted := slices.Sorted(slices.Values(times))
	return float64(sorted[int(float64(len(sorted)-1)*percent/100)]) / float64(time.Microsecond)
}

// serveEcho sends every message back.
func serveEcho(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}
