package handler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"
	"time"

	"waggle/internal/match"
	"waggle/internal/telemetry"
)

// sampled is how many reports and pings have one line in the log, if they are done.
const sampled = 100

// A served is one event that is being served: what is counted of it, and its line in the log. The line
// has no token, no position, and no member but by a hash.
type served struct {
	*telemetry.Invocation
	h       *Handler
	began   time.Time
	event   *Event // nil: it is none of API Gateway
	action  string
	member  match.Member
	outcome string // a code, or ok
	level   slog.Level
	err     error
}

// begin begins to serve an event. The caller defers end.
func (h *Handler) begin(ctx context.Context, action string, e *Event) (*served, context.Context) {
	s := &served{Invocation: new(telemetry.Invocation), h: h, began: time.Now(), event: e, action: strings.TrimPrefix(action, "$"), outcome: "ok"}
	return s, s.With(ctx)
}

// fail notes the error with which the event is answered.
func (s *served) fail(err error) {
	a := answerTo(err)
	code := string(a.code)
	if code == "" {
		code = "gone"
	}
	s.refuse(code, a.level, err)
}

// refuse notes the code with which the event is answered. The first one counts: another may follow
// from it.
func (s *served) refuse(code string, level slog.Level, err error) {
	if s.outcome == "ok" {
		s.outcome, s.level, s.err = code, level, err
	}
}

// end counts the event and logs its line.
func (s *served) end(ctx context.Context) {
	took := time.Since(s.began)
	to := s.h.recorder()
	to.Record(telemetry.Messages, s.action, 1)
	to.Record(telemetry.MessageDuration, "", took.Seconds())
	if s.outcome != "ok" {
		to.Record(telemetry.Refusals, s.outcome, 1)
	}
	s.log(ctx, took)
	to.Flush()
}

func (s *served) log(ctx context.Context, took time.Duration) {
	message := "failed" // each is a kind of its own for boundedlog
	switch {
	case s.event == nil && s.err == nil: // a verb has its line in the audit
		return
	case s.outcome == "ok":
		message = "served"
	case s.level < slog.LevelWarn:
		message = "refused"
	}
	if !s.h.Log.Enabled(ctx, s.level) {
		return
	}
	frequent := s.outcome == "ok" && (s.action == "location" || s.action == "ping")
	if frequent && (s.h.frequent.Add(1)-1)%sampled != 0 {
		return
	}
	line := append(make([]slog.Attr, 0, 12), slog.String("action", s.action), slog.String("outcome", s.outcome))
	if frequent {
		line = append(line, slog.Int("sampled", sampled))
	}
	if s.event != nil {
		line = append(line, slog.String("request", s.event.RequestContext.RequestID), slog.String("connection", s.event.RequestContext.ConnectionID))
	}
	if s.member != (match.Member{}) {
		line = append(line, slog.Any("member", hashed(s.member)))
	}
	trips, repeats := s.Trips()
	line = append(line, slog.Int64("us", took.Microseconds()), slog.Int64("trips", trips), slog.Int64("retries", repeats),
		slog.Int64("cacheUs", s.InCache().Microseconds()), slog.Int64("pushes", s.Pushes()))
	if s.err != nil {
		line = append(line, slog.Any("err", s.err))
	}
	s.h.Log.LogAttrs(ctx, s.level, message, line...)
}

// A hashed names a member in the log: whoever knows the member's id finds its lines, and the lines do
// not tell the id.
type hashed match.Member

// LogValue implements slog.LogValuer: most lines are left out.
func (m hashed) LogValue() slog.Value {
	sum := sha256.Sum256([]byte(m.Pool + "/" + m.ID))
	return slog.StringValue(hex.EncodeToString(sum[:6]))
}

func (h *Handler) recorder() telemetry.Recorder {
	if h.Metrics == nil {
		return telemetry.Nowhere{}
	}
	return h.Metrics
}
