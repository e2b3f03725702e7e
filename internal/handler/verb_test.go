package handler

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"waggle/internal/match"
)

// invoked is what a function with verbs answers, and what it logs.
func invoked(t *testing.T, h *Handler, payload string) (answer, log string) {
	t.Helper()
	var audit strings.Builder
	h.Audit = slog.New(slog.NewTextHandler(&audit, nil))
	got, err := h.Invoke(t.Context(), []byte(payload))
	if err != nil {
		t.Errorf("%s: %v", payload, err)
	}
	_, log, _ = strings.Cut(audit.String(), "msg=")
	return string(got), strings.TrimSpace(log)
}

func (s *sessions) Describe(context.Context, match.Member) (match.Description, error) {
	return match.Description{Snapshot: match.Snapshot{Status: s.status, Now: 9}, ConnectedAt: 5}, s.err
}

const getAna = `{"verb":"member.get","pool":"default","member":"ana"}`

func TestAVerbIsAnsweredAndLogged(t *testing.T) {
	for name, test := range map[string]struct {
		store                match.Status
		err                  error
		payload, answer, log string
	}{
		"one that is done": {match.StatusOK, nil, getAna,
			`{"type":"member","pool":"default","member":"ana","now":9,"connected":false,"connectedAt":5,"heardAt":0,"available":false,"tags":[],"fresh":false,"coolDowns":0}`,
			"verb verb=member.get pool=default member=ana outcome=ok"},
		"one that cannot be done": {match.StatusAbsent, nil, getAna,
			`{"type":"error","code":"not_found","message":"nothing is known of this member: it was never here, or it left hours ago","retryable":false}`,
			"verb verb=member.get pool=default member=ana outcome=not_found"},
		"no cache": {"", match.ErrUnavailable, getAna,
			`{"type":"error","code":"unavailable","message":"the service cannot do this right now: try again in a moment","retryable":true}`,
			"verb verb=member.get pool=default member=ana outcome=unavailable"},
		"a pool that is none": {match.StatusOK, nil, strings.ReplaceAll(getAna, "default", "De{fault"),
			`{"type":"error","code":"invalid_message","message":"pool must be 1 to 32 of a-z, 0-9 and \"-\"","retryable":false}`,
			"verb verb=member.get pool=De{fault member=ana outcome=invalid_message"},
		"no verb": {match.StatusOK, nil, `{"pool":"default"}`,
			`{"type":"error","code":"unknown_action","message":"verb is required: one of `, `verb verb="" outcome=unknown_action`},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, log := serving(&sessions{status: test.store, err: test.err})
			answer, audit := invoked(t, h, test.payload)
			if !strings.HasPrefix(answer, test.answer) || audit != test.log {
				t.Errorf("got %s\nand the line %s, want %s\nand %s", answer, audit, test.answer, test.log)
			}
			if failed := strings.Contains(log.String(), "the cache cannot be reached"); failed != (test.err != nil) {
				t.Errorf("got the log %s", log)
			}
		})
	}
}

// An event of API Gateway names a route. What a client can choose in it makes it no verb.
func TestAnEventIsNeverAVerb(t *testing.T) {
	s := &sessions{status: match.StatusOK}
	h, p, _ := serving(s)
	e := event("end", ana())
	e.Body = getAna
	e.Headers, e.QueryStringParameters = map[string]string{"verb": "member.get"}, map[string]string{"verb": "member.get"}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if answer, log := invoked(t, h, string(text)); !strings.HasPrefix(answer, `{"statusCode":200,`) || log != "" || len(p.frames) != 1 {
		t.Errorf("got %s, the line %s and the frames %q", answer, log, p.frames)
	}
	// Even an event of which AWS forgot the route, with a verb at its top, is none.
	for _, payload := range []string{
		`{"requestContext":{"connectionId":"c="},` + getAna[1:],
		`{"requestContext":"x",` + getAna[1:],
		`{"body":"{}",` + getAna[1:],
		`{"headers":{},` + getAna[1:],
		string(text[:strings.Index(string(text), `"requestContext"`)]) + getAna[1:],
	} {
		if answer, log := invoked(t, h, payload); !strings.HasPrefix(answer, `{"type":"error","code":"invalid_message"`) || !strings.HasSuffix(log, "outcome=invalid_message") {
			t.Errorf("%s: got %s, the line %s", payload, answer, log)
		}
	}
	if got, err := h.Handle(t.Context(), Event{}); err == nil {
		t.Errorf("an event without a route: got %+v", got)
	}
}
