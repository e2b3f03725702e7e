package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coder/websocket"
)

func refusals(ctx context.Context, s *subject) (string, bool, error) {
	none, err := s.refusal(ctx, "")
	if err != nil {
		return "", false, err
	}
	bad, err := s.refusal(ctx, "?token=nonsense")
	return fmt.Sprintf("%d and %d", none, bad), none == 401 && bad == 403, err
}

func longURL(ctx context.Context, s *subject) (string, bool, error) {
	got, err := s.refusal(ctx, "?token="+strings.Repeat("a", 4200))
	return fmt.Sprint(got), got == 414, err
}

// contextOfMessages: without it `hello` is answered with unauthenticated.
func contextOfMessages(ctx context.Context, s *subject) (string, bool, error) {
	w, err := s.connect(ctx, 0)
	if err != nil {
		return "", false, err
	}
	defer w.CloseNow()
	welcome, err := w.ask(ctx, `{"action":"hello"}`, "welcome")
	if err != nil {
		return "", false, err
	}
	return "`welcome` names the member", welcome["member"] != nil && welcome["pool"] != nil, nil
}

// place is in the ocean, where nobody else is.
const place = `"lat":-48.8767,"lng":-123.3933`

// contextOfDisconnect: without it nobody knows who has left, and who has left is found.
func contextOfDisconnect(ctx context.Context, s *subject) (string, bool, error) {
	pair, err := s.pair(ctx)
	if err != nil {
		return "", false, err
	}
	defer pair[0].CloseNow()
	if err := pair[1].Close(websocket.StatusNormalClosure, ""); err != nil {
		return "", false, err
	}
	began := time.Now()
	for _, after := range []time.Duration{200 * time.Millisecond, time.Second, 3 * time.Second, 8 * time.Second} {
		time.Sleep(time.Until(began.Add(after)))
		got, err := pair[0].ask(ctx, `{"action":"match","radius":500}`, "matched", "no_match")
		if err != nil {
			return "", false, err
		}
		if got["type"] == "no_match" {
			return fmt.Sprintf("who has closed was not found any more after %v", after), true, nil
		}
		if _, err := pair[0].ask(ctx, fmt.Sprintf(`{"action":"end","match":%q}`, got["match"]), "ended"); err != nil {
			return "", false, err
		}
	}
	return "who had closed was still found after 8 s: `$disconnect` came late, not at all, or without the context", false, nil
}

func routesByName(ctx context.Context, s *subject) (string, bool, error) {
	w, err := s.connect(ctx, 0)
	if err != nil {
		return "", false, err
	}
	defer w.CloseNow()
	var codes []string
	for _, route := range []string{"$connect", "$disconnect", "$default"} {
		got, err := w.ask(ctx, fmt.Sprintf(`{"action":%q}`, route), "error", "")
		if err != nil {
			return "", false, fmt.Errorf("%s: %w", route, err)
		}
		codes = append(codes, fmt.Sprint(got["code"]))
	}
	found := strings.Join(codes, ", ")
	return found, found == "unknown_action, unknown_action, unknown_action", nil
}

// pair connects both members at one place.
func (s *subject) pair(ctx context.Context) (pair [2]*wire, err error) {
	for n := range pair {
		if pair[n], err = s.connect(ctx, n); err != nil {
			return pair, err
		}
		if _, err = pair[n].ask(ctx, `{"action":"location","id":"here","available":true,`+place+`}`, "ack"); err != nil {
			return pair, err
		}
	}
	return pair, nil
}

func matched(ctx context.Context, s *subject) (string, bool, error) {
	pair, err := s.pair(ctx)
	if err != nil {
		return "", false, err
	}
	defer pair[0].CloseNow()
	defer pair[1].CloseNow()
	began := time.Now()
	got, err := pair[0].ask(ctx, `{"action":"match","radius":500}`, "matched")
	if err != nil {
		return "", false, err
	}
	took := time.Since(began)
	if _, err := pair[1].hear(ctx, "matched"); err != nil {
		return "", false, err
	}
	_, err = pair[0].ask(ctx, fmt.Sprintf(`{"action":"end","match":%q}`, got["match"]), "ended")
	return fmt.Sprintf("matched after %d ms", took.Milliseconds()), err == nil, err
}

// closes is a try of what closes a connection.
func closes(by func(context.Context, *wire) error, code websocket.StatusCode) func(context.Context, *subject) (string, bool, error) {
	return func(ctx context.Context, s *subject) (string, bool, error) {
		w, err := s.connect(ctx, 0)
		if err != nil {
			return "", false, err
		}
		defer w.CloseNow()
		sending := by(ctx, w) // may fail, as the other side closes meanwhile
		got, err := w.closed(ctx, patience)
		if err != nil {
			return "", false, fmt.Errorf("%w (sending: %v)", err, sending)
		}
		if got == 0 {
			return "the socket ended without a close frame", false, nil
		}
		return fmt.Sprint(int(got)), got == code, nil
	}
}

func binaryFrame(ctx context.Context, w *wire) error {
	return w.Write(ctx, websocket.MessageBinary, []byte("{}"))
}

func longFrame(ctx context.Context, w *wire) error {
	return w.Write(ctx, websocket.MessageText, []byte(strings.Repeat(" ", 32<<10+1)))
}

func longMessage(ctx context.Context, w *wire) error {
	m, err := w.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for range 5 { // a frame each
		if _, err := m.Write([]byte(strings.Repeat(" ", 30<<10))); err != nil {
			return err
		}
	}
	return m.Close()
}

func notText(ctx context.Context, w *wire) error {
	return w.Write(ctx, websocket.MessageText, []byte("\xff\xfe"))
}

// replaced has a function post to the older of two connections and delete it.
func replaced(ctx context.Context, s *subject) (string, bool, error) {
	older, err := s.connect(ctx, 0)
	if err != nil {
		return "", false, err
	}
	defer older.CloseNow()
	if _, err := older.ask(ctx, `{"action":"hello"}`, "welcome"); err != nil {
		return "", false, err
	}
	newer, err := s.connect(ctx, 0)
	if err != nil {
		return "", false, err
	}
	defer newer.CloseNow()
	got, err := older.hear(ctx, "error")
	if err != nil {
		return "", false, err
	}
	code, err := older.closed(ctx, patience)
	return fmt.Sprintf("%v, then %d", got["code"], code), got["code"] == "replaced" && code == 1000, err
}

func idle(ctx context.Context, s *subject) (string, bool, error) {
	if s.idle == 0 {
		return "", false, fmt.Errorf("%w by -idle 0", errLeftOut)
	}
	w, err := s.connect(ctx, 0)
	if err != nil {
		return "", false, err
	}
	defer w.CloseNow()
	began := time.Now()
	pinging, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for w.Ping(pinging) == nil {
			select {
			case <-pinging.Done():
			case <-time.After(time.Minute):
			}
		}
	}()
	code, err := w.closed(ctx, s.idle)
	return fmt.Sprintf("%d after %v", code, time.Since(began).Round(time.Second)), code == 1001, err
}
