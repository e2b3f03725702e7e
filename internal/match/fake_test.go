package match_test

import (
	"cmp"
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

// A fake is the store, the pusher, the log and the clock of a scripted service. The text
// of a call has its name and arguments. A session is given by its connection, a candidate
// by its id and the time of its report, a change of the index by + (list), ~ (move) or - and
// its epoch, a request by its id. Of a finish it says by whom, unless by nobody.
type fake struct{ *scriptedService }

// call takes the step of a call, whose words are separated by spaces.
func (f fake) call(words ...any) step {
	return f.step(strings.TrimRight(fmt.Sprintln(words...), " \n"))
}

// resultOf makes a call and returns its result and error.
func resultOf[R any](f fake, words ...any) (R, error) {
	s := f.call(words...)
	return convert[R](f, s), s.err
}

// convert returns the result of a step as the type that the call returns. It fails the
// test if the script gives a field that this type does not have.
func convert[R any](f fake, s step) R {
	var r R
	to, from := reflect.ValueOf(&r).Elem(), reflect.ValueOf(s.result)
	for i := range from.NumField() {
		name := from.Type().Field(i).Name
		if field := to.FieldByName(name); field.IsValid() {
			field.Set(from.Field(i))
		} else if !from.Field(i).IsZero() && s.err == nil {
			f.t.Errorf("%s: its %T has no %s", s.call, r, name)
		}
	}
	return r
}

func (f fake) Connect(_ context.Context, x match.Session, lost bool) (match.Connected, error) {
	mode := ""
	if lost {
		mode = "lost"
	}
	return resultOf[match.Connected](f, "connect", x.Connection, mode)
}

func (f fake) Disconnect(_ context.Context, m match.Member, connection string, age time.Duration) (match.Disconnected, error) {
	return resultOf[match.Disconnected](f, "disconnect", m.ID, connection, age)
}

func (f fake) Read(_ context.Context, m match.Member, x *match.Session, anew bool) (match.Snapshot, error) {
	reader, mode := m.ID, ""
	if x != nil {
		reader = x.Connection
	}
	if anew {
		mode = "anew"
	}
	return resultOf[match.Snapshot](f, "read", reader, mode)
}

func (f fake) ReadBoth(_ context.Context, x match.Session, other match.Member) (match.Snapshot, match.Snapshot, error) {
	own, err := resultOf[match.Snapshot](f, "read", x.Connection, "")
	if err != nil {
		return own, match.Snapshot{}, err
	}
	its, err := resultOf[match.Snapshot](f, "read", other.ID, "")
	return own, its, err
}

func (f fake) Due(_ context.Context, m match.Member) (match.Snapshot, error) {
	return resultOf[match.Snapshot](f, "due", m.ID)
}

func (f fake) Forget(_ context.Context, m match.Member) (match.Forgotten, error) {
	return resultOf[match.Forgotten](f, "forget", m.ID)
}

func (f fake) Describe(_ context.Context, m match.Member) (match.Description, error) {
	return resultOf[match.Description](f, "describe", m.ID)
}

func (f fake) Nearby(_ context.Context, x match.Session) (match.Nearby, error) {
	r, err := resultOf[match.Nearby](f, "nearby", x.Connection)
	r.Cell = geo.ShardCell(origin())
	return r, err
}

func (f fake) Count(_ context.Context, _ string, cells []geo.Cell, now int64) ([]int, error) {
	s := f.call("count", len(cells), now)
	return s.counts, s.err
}

func (f fake) Report(_ context.Context, x match.Session, r match.Report) (match.Reported, error) {
	f.report = r
	return resultOf[match.Reported](f, "report", x.Connection)
}

func (f fake) Skip(_ context.Context, m match.Member, id string, points []protocol.Fix) error {
	return f.call("skip", m.ID, id, at(points)).err
}

func (f fake) Shown(_ context.Context, m match.Member, last protocol.Fix) error {
	return f.call("shown", m.ID, last.At).err
}

// at are the times of positions.
func at(points []protocol.Fix) (all []int64) {
	for _, p := range points {
		all = append(all, p.At)
	}
	return all
}

func (f fake) Apply(_ context.Context, m match.Member, changes []match.Change) ([]match.WaitingRequest, error) {
	text := ""
	for _, c := range changes {
		if c.Moved {
			text += fmt.Sprint(" ~", c.Epoch)
		} else if c.List {
			text += fmt.Sprint(" +", c.Epoch)
		} else {
			text += fmt.Sprint(" -", c.Epoch)
		}
	}
	s := f.call("apply", m.ID+text)
	return s.waiting, s.err
}

func (f fake) Search(_ context.Context, _ []match.Part, q match.Query) ([]match.Hits, error) {
	f.query = q
	s := f.call("search for", q.Self.ID)
	return s.hits, s.err
}

func (f fake) Begin(_ context.Context, x match.Session, q match.NewRequest) (match.Begun, error) {
	f.begun = q
	return resultOf[match.Begun](f, "begin", x.Connection, q.Match)
}

func (f fake) Lease(_ context.Context, owner match.Member, id string) (match.Leased, error) {
	return resultOf[match.Leased](f, "lease", owner.ID, id)
}

func (f fake) GiveUp(_ context.Context, owner match.Member, id string, wait bool) (match.GivenUp, error) {
	mode := ""
	if wait {
		mode = "wait"
	}
	return resultOf[match.GivenUp](f, "give_up", owner.ID, id, mode)
}

func (f fake) Retract(_ context.Context, owner match.Member, created int64) ([]match.Change, error) {
	s := f.call("retract", owner.ID, fmt.Sprint(created))
	return s.result.Changes, s.err
}

func (f fake) Cancel(_ context.Context, x match.Session, _, request string) (match.Cancelled, error) {
	return resultOf[match.Cancelled](f, strings.TrimSpace("cancel "+request), x.Connection)
}

func (f fake) Register(_ context.Context, cells []geo.Cell, w match.WaitingRequest, want int) ([]match.Hits, error) {
	f.checkCells(cells, w)
	f.waiting, f.want = w, want
	s := f.call("register", w.Owner.ID, w.ID)
	return s.hits, s.err
}

func (f fake) Registered(_ context.Context, w match.WaitingRequest) (bool, error) {
	s := f.call("registered", w.Owner.ID, w.ID)
	return s.open, s.err
}

func (f fake) Withdraw(_ context.Context, cells []geo.Cell, w match.WaitingRequest) error {
	f.checkCells(cells, w)
	return f.call("withdraw", w.Owner.ID, w.ID).err
}

// checkCells fails the test unless these are the cells that the request's circle touches.
func (f fake) checkCells(cells []geo.Cell, w match.WaitingRequest) {
	if want := geo.ShardsWithin(w.Point, w.Radius); !slices.Equal(cells, want) {
		f.t.Errorf("request %s waits in %v, want %v", w.ID, cells, want)
	}
}

func (f fake) Claim(_ context.Context, matcher match.Member, id string, tags []string, c match.Candidate, offer bool) (match.Claimed, error) {
	name := "claim"
	if offer {
		name = "claim to offer"
	}
	return resultOf[match.Claimed](f, name, matcher.ID, id, c.ID, c.At, strings.Join(tags, " "))
}

func (f fake) Offer(_ context.Context, matcher match.Member, id string, matchee match.Member, distance float64) (match.OfferMade, error) {
	return resultOf[match.OfferMade](f, "offer", matcher.ID, id, matchee.ID, distance)
}

func (f fake) Accept(_ context.Context, x match.Session, id string) (match.Snapshot, error) {
	return resultOf[match.Snapshot](f, "accept", x.Connection, id)
}

func (f fake) Decline(_ context.Context, matcher match.Member, id string, matchee match.Member) (match.Declined, error) {
	return resultOf[match.Declined](f, "decline", matcher.ID, id, matchee.ID)
}

func (f fake) Commit(_ context.Context, matcher match.Member, id string, matchee match.Member, _ float64) (match.Committed, error) {
	return resultOf[match.Committed](f, "commit", matcher.ID, id, matchee.ID)
}

func (f fake) Confirm(_ context.Context, matcher match.Member, id string, matchee match.Member) (match.Confirmed, error) {
	return resultOf[match.Confirmed](f, "confirm", matcher.ID, id, matchee.ID)
}

func (f fake) Release(_ context.Context, matcher match.Member, id string, matchee match.Member, reason string, early match.By) (match.Released, error) {
	return resultOf[match.Released](f, "release", matcher.ID, id, matchee.ID, reason, early)
}

func (f fake) Finish(_ context.Context, matcher match.Member, id string, matchee match.Member, reason string, by match.By) (match.Finished, error) {
	return resultOf[match.Finished](f, "finish", matcher.ID, id, matchee.ID, reason, strings.TrimPrefix(string(by), "nobody"))
}

// The matchee of the caller's match is always ben.
func (f fake) End(_ context.Context, x match.Session, id, reason string) (match.Ending, error) {
	s := f.call("end", cmp.Or(x.Connection, x.ID), id, reason)
	if s.result.Status != match.StatusEnded {
		return match.Ending{Snapshot: convert[match.Snapshot](f, s)}, s.err
	}
	e := match.Ending{Snapshot: match.Snapshot{Status: s.result.Status, Untold: s.result.Untold}, Matchee: member("ben")}
	s.result.Untold = nil
	finished := convert[match.Finished](f, s)
	e.Finished = &finished
	return e, s.err
}

func (f fake) Watch(_ context.Context, matcher match.Member, id string, matchee match.Member) (match.WatchedRoute, error) {
	return resultOf[match.WatchedRoute](f, "watch", matcher.ID, id, matchee.ID)
}

func (f fake) Peer(_ context.Context, m match.Member, p match.PeerState) (match.PeerNoted, error) {
	return resultOf[match.PeerNoted](f, "peer", m.ID, p.Match, p.State(), p.Since)
}

// The text of a call has what each member was told, and the match that both are free of.
func (f fake) Told(_ context.Context, all []match.Told) error {
	slices.SortFunc(all, func(a, b match.Told) int { return strings.Compare(a.Connection, b.Connection) })
	var text []string
	for _, t := range all {
		if t.Free != "" {
			t.Marks = append(t.Marks, "free "+t.Free)
		}
		text = append(text, t.Connection+" "+strings.Join(t.Marks, "+"))
	}
	return f.call("told", strings.Join(text, ", ")).err
}

func (f fake) Finding(func(match.Unpublished)) match.Store { return f }

func (f fake) Published(_ context.Context, all []match.Unpublished) error {
	return f.call("published", len(all)).err
}

func (f fake) Push(_ context.Context, connection string, frame protocol.Frame) error {
	return f.call("push", connection, string(protocol.Encode(frame))).err
}

func (f fake) Close(_ context.Context, connection string) error {
	return f.call("close", connection).err
}

func (f fake) sleep(_ context.Context, d time.Duration) error {
	err := f.call("sleep", d).err
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
	return err
}

// Handle implements slog.Handler. The text of the call has the message and the error.
func (f fake) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" {
			text += ": " + a.Value.String()
		}
		return true
	})
	return f.call("log", text).err
}

func (f fake) Enabled(context.Context, slog.Level) bool { return true }
func (f fake) WithAttrs([]slog.Attr) slog.Handler       { return f }
func (f fake) WithGroup(string) slog.Handler            { return f }
