package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coder/websocket"
)

func refusals(ctx context.Context, s *target) (string, bool, error) {
	none, err := s.refusal(ctx, "")
	if err != nil {
		return "", false, err
	}
	bad, err := s.refusal(ctx, "?token=nonsense")
	return fmt.Sprintf("%d and %d", none, bad), none == 401 && bad == 403, err
}

func longURL(ctx context.Context, s *target) (string, bool, error) {
	got, err := s.refusal(ctx, "?token="+strings.Repeat("a", 4200))
	return fmt.Sprint(got), got == 414, err
}

// Without the context of the authorizer, `hello` is answered with unauthenticated.
func contextOfMessages(ctx context.Context, s *target) (string, bool, error) {
	w, err := s.connect(ctx, 0)
	if err != nil {
		return "", false, err
	}
	defer w.CloseNow()
	welcome, err := w.request(ctx, `{"action":"hello"}`, "welcome")
	if err != nil {
		return "", false, err
	}
	return "`welcome` names the member", welcome["member"] != nil && welcome["pool"] != nil, nil
}

// place is in the ocean, where nobody else is.
const place = `"lat":-48.8767,"lng":-123.3933`

// Without the context of the authorizer, the function does not know which member has left,
// and a search still finds that member.
func contextOfDisconnect(ctx context.Context, s *target) (string, bool, error) {
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
		got, err := pair[0].request(ctx, `{"action":"match","radius":500}`, "matched", "no_match")
		if err != nil {
			return "", false, err
		}
		if got["type"] == "no_match" {
			return fmt.Sprintf("the member who closed was no longer found after %v", after), true, nil
		}
		if _, err := pair[0].request(ctx, fmt.Sprintf(`{"action":"end","match":%q}`, got["match"]), "ended"); err != nil {
			return "", false, err
		}
	}
	return "the member who closed was still found after 8 s: `$disconnect` came late, not at all, or without the context", false, nil
}

func routesByName(ctx context.Context, s *target) (string, bool, error) {
	w, err := s.connect(ctx, 0)
	if err != nil {
		return "", false, err
	}
	defer w.CloseNow()
	var codes []string
	for _, route := range []string{"$connect", "$disconnect", "$default"} {
		got, err := w.request(ctx, fmt.Sprintf(`{"action":%q}`, route), "error", "")
		if err != nil {
			return "", false, fmt.Errorf("%s: %w", route, err)
		}
		codes = append(codes, fmt.Sprint(got["code"]))
	}
	found := strings.Join(codes, ", ")
	return found, found == "unknown_action, unknown_action, unknown_action", nil
}

// pair connects both members, at one place.
func (s *target) pair(ctx context.Context) (pair [2]*connection, err error) {
	for n := range pair {
		if pair[n], err = s.connect(ctx, n); err != nil {
			return pair, err
		}
		if _, err = pair[n].request(ctx, `{"action":"location","id":"here","available":true,`+place+`}`, "ack"); err != nil {
			return pair, err
		}
	}
	return pair, nil
}

func matched(ctx context.Context, s *target) (string, bool, error) {
	pair, err := s.pair(ctx)
	if err != nil {
		return "", false, err
	}
	defer pair[0].CloseNow()
	defer pair[1].CloseNow()
	began := time.Now()
	got, err := pair[0].request(ctx, `{"action":"match","radius":500}`, "matched")
	if err != nil {
		return "", false, err
	}
	took := time.Since(began)
	if _, err := pair[1].await(ctx, "matched"); err != nil {
		return "", false, err
	}
	_, err = pair[0].request(ctx, fmt.Sprintf(`{"action":"end","match":%q}`, got["match"]), "ended")
	return fmt.Sprintf("matched after %d ms", took.Milliseconds()), err == nil, err
}

// closes returns a check that what by sends closes the connection with a code.
func closes(by func(context.Context, *connection) error, code websocket.StatusCode) func(context.Context, *target) (string, bool, error) {
	return func(ctx context.Context, s *target) (string, bool, error) {
		w, err := s.connect(ctx, 0)
		if err != nil {
			return "", false, err
		}
		defer w.CloseNow()
		sending := by(ctx, w) // may fail, since the other side closes meanwhile
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

func binaryFrame(ctx context.Context, w *connection) error {
	return w.Write(ctx, websocket.MessageBinary, []byte("{}"))
}

func longFrame(ctx context.Context, w *connection) error {
	return w.Write(ctx, websocket.MessageText, []byte(strings.Repeat(" ", 32<<10+1)))
}

func longMessage(ctx context.Context, w *connection) error {
	m, err := w.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for range 5 { // each write is a frame
		if _, err := m.Write([]byte(strings.Repeat(" ", 30<<10))); err != nil {
			return err
		}
	}
	return m.Close()
}

func notText(ctx context.Context, w *connection) error {
	return w.Write(ctx, websocket.MessageText, []byte("\xff\xfe"))
}

// replaced makes a function post to the older of two connections and delete it.
func replaced(ctx context.Context, s *target) (string, bool, error) {
	older, err := s.connect(ctx, 0)
	if err != nil {
		return "", false, err
	}
	defer older.CloseNow()
	if _, err := older.request(ctx, `{"action":"hello"}`, "welcome"); err != nil {
		return "", false, err
	}
	newer, err := s.connect(ctx, 0)
	if err != nil {
		return "", false, err
	}
	defer newer.CloseNow()
	got, err := older.await(ctx, "error")
	if err != nil {
		return "", false, err
	}
	code, err := older.closed(ctx, patience)
	return fmt.Sprintf("%v, then %d", got["code"], code), got["code"] == "replaced" && code == 1000, err
}

// twoWay gives the routes of the stack responses.
func twoWay(ctx context.Context, s *target) (string, bool, error) {
	if s.account == nil {
		return "", false, errNotAWS
	}
	if err := s.account.update(ctx, s.stack, "twoWay=true"); err != nil {
		return "", false, err
	}
	return responses(ctx, s)
}

// responses tries routes with responses. A client cannot see whether a pong was posted: it comes at all
// only if one of the two ways works, and with responses the function does not post it.
func responses(ctx context.Context, s *target) (string, bool, error) {
	w, err := s.connect(ctx, 0)
	if err != nil {
		return "", false, err
	}
	defer w.CloseNow()
	began := time.Now()
	if _, err := w.request(ctx, `{"action":"ping","id":"p"}`, "pong"); err != nil {
		return "", false, err
	}
	took := time.Since(began)
	refused, err := w.request(ctx, `{"action":"fly","id":"f"}`, "error")
	if err != nil {
		return "", false, err
	}
	before := w.empty.Load()
	for _, report := range []string{`"available":true,`, ""} { // the second one has no answer
		if err := w.Write(ctx, websocket.MessageText, []byte(`{"action":"location",`+report+place+`}`)); err != nil {
			return "", false, err
		}
		time.Sleep(2 * time.Second) // for a frame that may not come
	}
	found := fmt.Sprintf("`pong` after %d ms, then `%v`; an answer without a body brought ", took.Milliseconds(), refused["code"])
	if w.empty.Load() > before {
		return found + "an empty frame", true, nil
	}
	return found + "no frame", true, nil
}

func idle(ctx context.Context, s *target) (string, bool, error) {
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
