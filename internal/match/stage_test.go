package match_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
)

// A stage is all that the service of a play reaches: store, pusher, log and pause. A
// line says which step it is, on whom, and the rest. A session is called by its
// connection, a candidate by its report's time (then come the tags that are wanted), a
// change of the index by + or - and its epoch, a request by its message's id.
type stage struct{ *play }

func (s stage) say(words ...any) line {
	return s.step(strings.TrimRight(fmt.Sprintln(words...), " \n"))
}

func (s stage) ask(words ...any) (match.Answer, error) {
	l := s.say(words...)
	return l.answer, l.err
}

func (s stage) Connect(_ context.Context, x match.Session) (match.Answer, error) {
	return s.ask("connect", x.Connection)
}

func (s stage) Disconnect(_ context.Context, m match.Member, connection string, age time.Duration) (match.Answer, error) {
	return s.ask("disconnect", m.ID, connection, age)
}

func (s stage) Read(_ context.Context, m match.Member, x *match.Session, again bool) (match.Answer, error) {
	who, how := m.ID, ""
	if x != nil {
		who = x.Connection
	}
	if again {
		how = "again"
	}
	return s.ask("read", who, how)
}

func (s stage) Report(_ context.Context, x match.Session, r match.Report) (match.Answer, match.Moved, error) {
	s.report = r
	l := s.say("report", x.Connection)
	return l.answer, l.moved, l.err
}

func (s stage) Relist(_ context.Context, m match.Member) (match.Answer, error) {
	return s.ask("relist", m.ID)
}

func (s stage) Apply(_ context.Context, m match.Member, changes []match.Change) ([]match.Waiter, error) {
	text := ""
	for _, c := range changes {
		if c.List {
			text += fmt.Sprint(" +", c.Epoch)
		} else {
			text += fmt.Sprint(" -", c.Epoch)
		}
	}
	l := s.say("apply", m.ID+text)
	return l.waiters, l.err
}

func (s stage) Search(_ context.Context, cells []geo.Cell, q match.Query) ([]match.Hits, error) {
	s.query = q
	l := s.say("search for", q.Self.ID)
	return l.hits, l.err
}

func (s stage) Begin(_ context.Context, x match.Session, o match.Opening) (match.Answer, []match.Hits, error) {
	s.opening = o
	l := s.say("begin", x.Connection, o.Match)
	return l.answer, l.hits, l.err
}

func (s stage) Lease(_ context.Context, owner match.Member, id string) (match.Answer, error) {
	return s.ask("lease", owner.ID, id)
}

func (s stage) Fall(_ context.Context, owner match.Member, id string, wait bool) (match.Answer, error) {
	how := ""
	if wait {
		how = "wait"
	}
	return s.ask("fall", owner.ID, id, how)
}

func (s stage) Cancel(_ context.Context, x match.Session) (match.Answer, error) {
	return s.ask("cancel", x.Connection)
}

func (s stage) Register(_ context.Context, cells []geo.Cell, w match.Waiter, q match.Query) ([]match.Hits, error) {
	s.touched(cells, w)
	s.query, s.waiter = q, w
	l := s.say("register", w.Owner.ID, w.ID)
	return l.hits, l.err
}

func (s stage) Registered(_ context.Context, w match.Waiter) (bool, error) {
	l := s.say("registered", w.Owner.ID, w.ID)
	return l.open, l.err
}

func (s stage) Withdraw(_ context.Context, cells []geo.Cell, w match.Waiter) error {
	s.touched(cells, w)
	return s.say("withdraw", w.Owner.ID, w.ID).err
}

// touched fails the test unless a request waits in those cells.
func (s stage) touched(cells []geo.Cell, w match.Waiter) {
	if want := geo.ShardsWithin(w.Point, w.Radius); !slices.Equal(cells, want) {
		s.t.Errorf("request %s waits in %v, want %v", w.ID, cells, want)
	}
}

func (s stage) Claim(_ context.Context, matcher match.Member, id string, tags []string, c match.Candidate) (match.Answer, error) {
	return s.ask("claim", matcher.ID, id, c.ID, c.At, strings.Join(tags, " "))
}

func (s stage) Commit(_ context.Context, matcher match.Member, id string, matchee match.Member) (match.Answer, error) {
	return s.ask("commit", matcher.ID, id, matchee.ID)
}

func (s stage) Confirm(_ context.Context, matcher match.Member, id string, matchee match.Member) (match.Answer, error) {
	return s.ask("confirm", matcher.ID, id, matchee.ID)
}

func (s stage) Release(_ context.Context, matcher match.Member, id string, matchee match.Member, reason string) (match.Answer, error) {
	return s.ask("release", matcher.ID, id, matchee.ID, reason)
}

func (s stage) Finish(_ context.Context, matcher match.Member, id string, matchee match.Member, reason string) (match.Answer, error) {
	return s.ask("finish", matcher.ID, id, matchee.ID, reason)
}

func (s stage) Watch(_ context.Context, matcher match.Member, id string, matchee match.Member) (match.Answer, error) {
	return s.ask("watch", matcher.ID, id, matchee.ID)
}

func (s stage) Told(_ context.Context, matcher match.Member, id string, state match.State) error {
	return s.say("told", matcher.ID, id, state).err
}

func (s stage) Push(_ context.Context, connection string, f protocol.Frame) error {
	return s.say("push", connection, string(protocol.Encode(f))).err
}

func (s stage) Close(_ context.Context, connection string) error {
	return s.say("close", connection).err
}

func (s stage) sleep(_ context.Context, d time.Duration) error {
	err := s.say("sleep", d).err
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
	return err
}

// Handle is the log's; a line has the error, and nothing else.
func (s stage) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" {
			text += ": " + a.Value.String()
		}
		return true
	})
	return s.say("log", text).err
}

func (s stage) Enabled(context.Context, slog.Level) bool { return true }
func (s stage) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s stage) WithGroup(string) slog.Handler            { return s }
