package handler

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// A session may expire while its message is served.
func TestAfterTheExpiryOnlyTheErrorThatSaysSoIsSent(t *testing.T) {
	for name, err := range map[string]error{"in place of a reply": nil, "in place of another error": match.ErrUnavailable} {
		t.Run(name, func(t *testing.T) {
			h, p, _ := serving(&sessions{status: match.StatusOK, err: err})
			asked := 0
			h.Now = func() time.Time { // the first look is in time
				asked++
				return noon.Add(time.Duration(min(asked-1, 1)) * time.Hour)
			}
			if _, err := h.Handle(t.Context(), event("ping", ana())); err != nil {
				t.Error(err)
			}
			if len(p.frames) != 1 || !strings.Contains(p.frames[0], `"code":"unauthenticated"`) || len(p.closed) != 1 {
				t.Errorf("sent %v and closed %v", p.frames, p.closed)
			}
		})
	}
}

func TestAConnectionWithoutAValidIdentityIsNotServed(t *testing.T) {
	now := noon
	member := func(expires time.Time) map[string]any {
		return map[string]any{"member": "ana", "pool": "default", "roles": `["matcher"]`, "expires": fmt.Sprint(expires.UnixMilli())}
	}
	refusal := func(text string) string {
		return `c= {"type":"error","id":"i","code":"unauthenticated","message":"` + text + `","retryable":false}`
	}
	for name, authorizer := range map[string]any{
		"no context":       nil,
		"an empty one":     map[string]any{},
		"of another shape": "ana",
		"no member":        map[string]any{"pool": "default", "roles": `[]`, "expires": "1795396500001"},
		"expired":          member(now),
	} {
		t.Run(name, func(t *testing.T) {
			var p pushed
			// No Service: it must not be asked.
			h := Handler{Push: &p, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
			if _, err := h.Handle(t.Context(), event("ping", authorizer)); err != nil {
				t.Error(err)
			}
			text := "this connection has no identity: connect again with a valid token"
			if name == "expired" {
				text = "the session has expired: connect with a fresh token"
			}
			if diff := cmp.Diff(pushed{[]string{refusal(text)}, []string{"c="}}, p, cmp.AllowUnexported(pushed{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if name == "expired" {
				return // it expired after its $connect
			}
			if r, err := h.Handle(t.Context(), event("$connect", authorizer)); r.StatusCode != http.StatusUnauthorized || err != nil {
				t.Errorf("$connect: got %d, %v, want 401", r.StatusCode, err)
			}
			if r, err := h.Handle(t.Context(), event("$disconnect", authorizer)); r.StatusCode != http.StatusOK || err != nil {
				t.Errorf("$disconnect: got %d, %v, want 200", r.StatusCode, err)
			}
		})
	}
	if _, err := (&Handler{}).Handle(t.Context(), Event{}); err == nil {
		t.Error("an event of another service was served")
	}
}

func TestAnErrorIsAnsweredByItsKind(t *testing.T) {
	fault := func(k match.Kind) error {
		return fmt.Errorf("inside: %w", &match.Fault{Kind: k, Text: "for the client"})
	}
	type want struct {
		code   protocol.Code
		status int
		text   string
	}
	for _, test := range []struct {
		err  error
		want want
	}{
		{fault(match.Invalid), want{protocol.CodeInvalidMessage, 400, "for the client"}},
		{fault(match.Forbidden), want{protocol.CodeForbidden, 403, "for the client"}},
		{fault(match.NotFound), want{protocol.CodeNotFound, 404, "for the client"}},
		{fault(match.Conflict), want{protocol.CodeConflict, 409, "for the client"}},
		{fault(match.Stale), want{protocol.CodeStale, 400, "for the client"}},
		{fault(match.RateLimited), want{protocol.CodeRateLimited, 429, "for the client"}},
		{fault(match.Replaced), want{protocol.CodeReplaced, 409, "for the client"}},
		{fmt.Errorf("dial tcp 10.0.0.1:6379: %w", match.ErrUnavailable), want{protocol.CodeUnavailable, 503, "the service cannot do this right now: try again in a moment"}},
		{errors.New("WRONGTYPE at user_script:12"), want{protocol.CodeInternal, 500, "something went wrong on the server: try again in a moment"}},
	} {
		a := answerTo(test.err)
		if got := (want{a.code, a.status, a.text}); got != test.want {
			t.Errorf("%v: got %+v, want %+v", test.err, got, test.want)
		}
		var p pushed
		h := Handler{Push: &p, Log: slog.New(slog.DiscardHandler)}
		h.refuse(t.Context(), "c=", "i", test.err)
		// Only a conflict is retryable or not by its cause.
		retryable := protocol.DefaultRetryable(test.want.code) && test.want.code != protocol.CodeConflict
		frame := fmt.Sprintf(`c= {"type":"error","id":"i","code":%q,"message":%q,"retryable":%t}`, test.want.code, test.want.text, retryable)
		if diff := cmp.Diff([]string{frame}, p.frames); diff != "" {
			t.Errorf("%v (-want +got)\n%s", test.err, diff)
		}
		if closed := len(p.closed) > 0; closed != (test.want.code == protocol.CodeReplaced) {
			t.Errorf("%v: closed %v", test.err, p.closed)
		}
	}
	for seconds, after := range map[string]time.Duration{"0.1": time.Millisecond, "0.3": 201 * time.Millisecond, "30": 30 * time.Second} {
		for kind, closes := range map[match.Kind]bool{match.RateLimited: false, match.KeepOut: true} {
			err := &match.Fault{Kind: kind, Text: "slower", RetryAfter: after}
			if status := answerTo(err).status; status != http.StatusTooManyRequests {
				t.Errorf("got status %d, want 429", status)
			}
			var p pushed
			(&Handler{Push: &p}).refuse(t.Context(), "c=", "i", err)
			frame := `c= {"type":"error","id":"i","code":"rate_limited","message":"slower","retryable":true,"retryAfter":` + seconds + `}`
			if diff := cmp.Diff([]string{frame}, p.frames); diff != "" || closes != (len(p.closed) > 0) {
				t.Errorf("(-want +got)\n%s\nclosed: %v, want %t", diff, p.closed, closes)
			}
		}
	}
	var p pushed
	(&Handler{Push: &p}).refuse(t.Context(), "c=", "i", fault(match.Gone))
	if len(p.frames) > 0 || len(p.closed) != 1 {
		t.Errorf("a connection that was taken for gone: got %v, want it closed and nothing pushed", p)
	}
}
