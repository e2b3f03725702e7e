package match_test

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
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

// ask takes a step and returns the result that is written for it.
func ask[R any](s stage, words ...any) (R, error) {
	l := s.say(words...)
	return result[R](s, l), l.err
}

// result makes a step's own type of what is written. Anything written that the step does
// not return fails the test.
func result[R any](s stage, l line) R {
	var r R
	to, from := reflect.ValueOf(&r).Elem(), reflect.ValueOf(l.answer)
	for i := range from.NumField() {
		name := from.Type().Field(i).Name
		if field := to.FieldByName(name); field.IsValid() {
			field.Set(from.Field(i))
		} else if !from.Field(i).IsZero() && l.err == nil {
			s.t.Errorf("%s: its %T has no %s", l.does, r, name)
		}
	}
	return r
}

func (s stage) Connect(_ context.Context, x match.Session) (match.Connected, error) {
	return ask[match.Connected](s, "connect", x.Connection)
}

func (s stage) Disconnect(_ context.Context, m match.Member, connection string, age time.Duration) (match.Disconnected, error) {
	return ask[match.Disconnected](s, "disconnect", m.ID, connection, age)
}

func (s stage) Read(_ context.Context, m match.Member, x *match.Session, anew bool) (match.Snapshot, error) {
	who, how := m.ID, ""
	if x != nil {
		who = x.Connection
	}
	if anew {
		how = "anew"
	}
	return ask[match.Snapshot](s, "read", who, how)
}

func (s stage) Report(_ context.Context, x match.Session, r match.Report) (match.Reported, error) {
	s.report = r
	return ask[match.Reported](s, "report", x.Connection)
}

func (s stage) Relist(_ context.Context, m match.Member) ([]match.Change, error) {
	l := s.say("relist", m.ID)
	return l.answer.Changes, l.err
}

func (s stage) Apply(_ context.Context, m match.Member, changes []match.Change) ([]match.WaitingRequest, error) {
	text := ""
	for _, c := range changes {
		if c.List {
			text += fmt.Sprint(" +", c.Epoch)
		} else {
			text += fmt.Sprint(" -", c.Epoch)
		}
	}
	l := s.say("apply", m.ID+text)
	return l.waiting, l.err
}

func (s stage) Search(_ context.Context, cells []geo.Cell, q match.Query) ([]match.Hits, error) {
	s.query = q
	l := s.say("search for", q.Self.ID)
	return l.hits, l.err
}

func (s stage) Begin(_ context.Context, x match.Session, q match.NewRequest) (match.Begun, []match.Hits, error) {
	s.begun = q
	l := s.say("begin", x.Connection, q.Match)
	return result[match.Begun](s, l), l.hits, l.err
}

func (s stage) Lease(_ context.Context, owner match.Member, id string) (match.Leased, error) {
	return ask[match.Leased](s, "lease", owner.ID, id)
}

func (s stage) GiveUp(_ context.Context, owner match.Member, id string, wait bool) (match.GivenUp, error) {
	how := ""
	if wait {
		how = "wait"
	}
	return ask[match.GivenUp](s, "give_up", owner.ID, id, how)
}

func (s stage) Cancel(_ context.Context, x match.Session) (match.Cancelled, error) {
	return ask[match.Cancelled](s, "cancel", x.Connection)
}

func (s stage) Register(_ context.Context, cells []geo.Cell, w match.WaitingRequest, q match.Query) ([]match.Hits, error) {
	s.touched(cells, w)
	s.query, s.waiting = q, w
	l := s.say("register", w.Owner.ID, w.ID)
	return l.hits, l.err
}

func (s stage) Registered(_ context.Context, w match.WaitingRequest) (bool, error) {
	l := s.say("registered", w.Owner.ID, w.ID)
	return l.open, l.err
}

func (s stage) Withdraw(_ context.Context, cells []geo.Cell, w match.WaitingRequest) error {
	s.touched(cells, w)
	return s.say("withdraw", w.Owner.ID, w.ID).err
}

// touched fails the test unless a request waits in those cells.
func (s stage) touched(cells []geo.Cell, w match.WaitingRequest) {
	if want := geo.ShardsWithin(w.Point, w.Radius); !slices.Equal(cells, want) {
		s.t.Errorf("request %s waits in %v, want %v", w.ID, cells, want)
	}
}

func (s stage) Claim(_ context.Context, matcher match.Member, id string, tags []string, c match.Candidate) (match.Claimed, error) {
	return ask[match.Claimed](s, "claim", matcher.ID, id, c.ID, c.At, strings.Join(tags, " "))
}

func (s stage) Commit(_ context.Context, matcher match.Member, id string, matchee match.Member) (match.Committed, error) {
	return ask[match.Committed](s, "commit", matcher.ID, id, matchee.ID)
}

func (s stage) Confirm(_ context.Context, matcher match.Member, id string, matchee match.Member) (match.Confirmed, error) {
	return ask[match.Confirmed](s, "confirm", matcher.ID, id, matchee.ID)
}

func (s stage) Release(_ context.Context, matcher match.Member, id string, matchee match.Member, reason string) (match.Released, error) {
	return ask[match.Released](s, "release", matcher.ID, id, matchee.ID, reason)
}

func (s stage) Finish(_ context.Context, matcher match.Member, id string, matchee match.Member, reason string) (match.Finished, error) {
	return ask[match.Finished](s, "finish", matcher.ID, id, matchee.ID, reason)
}

func (s stage) Watch(_ context.Context, matcher match.Member, id string, matchee match.Member) (match.WatchedRoute, error) {
	return ask[match.WatchedRoute](s, "watch", matcher.ID, id, matchee.ID)
}

func (s stage) Notified(_ context.Context, matcher match.Member, id string, state match.State) error {
	return s.say("notified", matcher.ID, id, state).err
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
