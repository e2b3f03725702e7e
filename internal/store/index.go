package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/protocol"
)

// place is where a member at a point counts as being, for all who search. Where members must consent
// it is coarse. Otherwise circles around many points, or who is nearer than an account of one's own,
// would tell the position of a member who has agreed to nothing.
func (s *Store) place(in string, p geo.Point) geo.Point {
	if s.pools.For(in).Consent == pool.Required {
		return geo.Coarse(p)
	}
	return p
}

// remoteMeters is how far from its own report a member may ask where a pool
// refuses remote requests.
const remoteMeters = 20_000

// Report implements match.Index.
func (s *Store) Report(ctx context.Context, x match.Session, r match.Report) (match.Reported, error) {
	settings := s.pools.For(x.Pool)
	at, available, retag, tags := "", "", "0", ""
	if r.At != 0 {
		at = whole(r.At)
	}
	if r.Available != nil {
		available = bit(*r.Available)
	}
	if r.Tags != nil {
		retag, tags = "1", words(*r.Tags)
	}
	said, err := s.ask(ctx, s.onMember("report", x.Member, append(s.session(x), ShortDegrees(r.Lat), ShortDegrees(r.Lng), at, whole(r.Seq),
		writeMotion(r.Motion), available, retag, tags, ShortCell(geo.ShardCell(s.place(x.Pool, r.Point))), whole(r.Arrival.UnixMilli()),
		decimal(settings.ReportsPerSecond), decimal(settings.ReportsBurst), most(settings.MaxAccuracy), most(settings.MaxSpeed))...))
	if err != nil {
		return match.Reported{}, err
	}
	skipped, err := said.skipped()
	return match.Reported{Status: said.Status, Skipped: skipped, Known: said.Peer.domain(), Refusal: said.refusal(), Now: int64(said.Now), Untold: said.untold(), NotTaken: said.NotTaken,
		Advice: said.Advice, Mark: said.AdviceMark, Lag: time.Duration(said.Lag) * time.Millisecond,
		ClockOff: bool(said.ClockOff), Stands: said.Stands.domain(), At: int64(said.At), Claim: said.claim(),
		Route: said.route(said.Route), Since: int64(said.Since), Changes: domainChanges(said.Changes), Unlisted: int64(said.Unlisted)}, err
}

// Skip implements match.Index.
func (s *Store) Skip(ctx context.Context, m match.Member, id string, points []protocol.Fix) error {
	lines := make([]string, len(points))
	for i, p := range points {
		line, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("skip: %w", err)
		}
		lines[i] = string(line)
	}
	_, err := s.ask(ctx, s.onMember("skip", m, id, strings.Join(lines, "\n")))
	return err
}

// Shown implements match.Index.
func (s *Store) Shown(ctx context.Context, m match.Member, last protocol.Fix) error {
	line, err := json.Marshal(last)
	if err != nil {
		return fmt.Errorf("shown: %w", err)
	}
	_, err = s.ask(ctx, s.onMember("shown", m, string(line)))
	return err
}

// most writes a limit of which 0 means that there is none.
func most(limit float64) string { return decimal(cmp.Or(limit, 1e12)) }

// mostWakes is how often one listing goes on looking at the requests that wait in its cell.
const mostWakes = 8

// Apply implements match.Index.
func (s *Store) Apply(ctx context.Context, m match.Member, changes []match.Change) ([]match.WaitingRequest, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	changes = slices.Clone(changes)
	calls := make([]call, len(changes))
	for i, c := range changes {
		if c.List {
			c.Point = s.place(m.Pool, c.Point)
			changes[i].Point = c.Point
			calls[i] = s.onCell("list", m.Pool, c.Cell, m.ID, square(c), whole(c.At), whole(c.Seq), whole(c.Heard),
				whole(c.Session), whole(c.Epoch), c.Tags, bit(!c.Moved))
		} else {
			calls[i] = s.onCell("unlist", m.Pool, c.Cell, m.ID, whole(c.Epoch))
		}
	}
	var all []match.WaitingRequest
	absent := false
	for i, result := range s.run(ctx, calls...) {
		r, err := read(calls[i], result)
		if err != nil {
			return all, err
		}
		if r.Mark != 0 {
			if err := s.mark(ctx, m.Pool, changes[i], int64(r.Mark)); err != nil {
				return all, err
			}
		}
		absent = absent || r.Status == match.StatusAbsent && changes[i].Moved
		for wakes := 0; ; wakes++ {
			waiting, err := r.waiting(changes[i].Point)
			if err != nil {
				return all, err
			}
			all = append(all, waiting...)
			if r.Rest == "" || wakes == mostWakes {
				break
			}
			if r, err = s.ask(ctx, s.onCell("wake", m.Pool, changes[i].Cell, m.ID, r.Rest)); err != nil {
				return all, err
			}
		}
	}
	if !absent {
		return all, nil
	}
	// The cache has evicted the listing, or it was dropped as stale: the record has it.
	r, err := s.ask(ctx, s.onMember("relist", m))
	if err != nil {
		return all, err
	}
	waiting, err := s.Apply(ctx, m, domainChanges(r.Changes))
	return append(all, waiting...), err
}

func square(c match.Change) string { return whole(geo.PlaneOf(c.Cell).Square(c.Point)) }

// mark notes for searches from afar that a box of a cell has members. It is done once a box and span
// of the location TTL, before the first of them gets its reply.
func (s *Store) mark(ctx context.Context, pool string, c match.Change, span int64) error {
	box := strconv.Itoa(geo.PlaneOf(c.Cell).Box(c.Point))
	if _, err := s.ask(ctx, s.onArea("mark", pool, geo.Area(c.Cell), string(c.Cell), box, whole(span))); err != nil {
		return err
	}
	_, err := s.ask(ctx, s.onCell("marked", pool, c.Cell, box))
	return err
}

// manyCells is from how many cells on a search first asks which of them have members at all.
const manyCells = 8

// Search implements match.Index.
func (s *Store) Search(ctx context.Context, parts []match.Part, q match.Query) ([]match.Hits, error) {
	calls := make([]call, 0, len(parts))
	which := make([]int, 0, len(parts))
	occupied, err := s.occupied(ctx, parts, q)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		if occupied == nil || occupied[p.Cell] {
			calls, which = append(calls, s.onCell("search", q.Self.Pool, p.Cell, append(query(p.Cell, q), p.Rest)...)), append(which, i)
		}
	}
	all := make([]match.Hits, len(parts))
	for i := range all {
		all[i].Horizon = math.Inf(1)
	}
	if len(calls) == 0 {
		return all, nil
	}
	for n, result := range s.run(ctx, calls...) {
		r, err := read(calls[n], result)
		if err != nil {
			return nil, err
		}
		part := parts[which[n]]
		if all[which[n]], err = r.hits(part.Cell, q.Point); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// occupied returns the cells that may have members within the radius. It returns nil, for any cell, if
// there are only a few to ask.
func (s *Store) occupied(ctx context.Context, parts []match.Part, q match.Query) (map[geo.Cell]bool, error) {
	again := slices.ContainsFunc(parts, func(p match.Part) bool { return p.Rest != "" }) // so these have members
	if len(parts) < manyCells || again {
		return nil, nil
	}
	areas, around := make(map[geo.Cell]bool), make(map[geo.Cell]bool)
	var calls []call
	for _, p := range parts {
		around[p.Cell] = true
		if area := geo.Area(p.Cell); !areas[area] {
			areas[area] = true
			calls = append(calls, s.onArea("occupied", q.Self.Pool, area))
		}
	}
	cells := make(map[geo.Cell]bool)
	for i, result := range s.run(ctx, calls...) {
		r, err := read(calls[i], result)
		if err != nil {
			return nil, err
		}
		words := strings.Fields(r.Cells)
		for i := 1; i < len(words); i += 2 {
			c := geo.Cell(words[i-1])
			till, boxes, _ := strings.Cut(words[i], ".")
			if n, err := strconv.ParseInt(till, 10, 64); err != nil {
				return nil, fmt.Errorf("script %s: %w", r.call.script, err)
			} else if n > int64(r.Now) && around[c] {
				cells[c] = boxes == "" || slices.ContainsFunc(geo.PlaneOf(c).BoxesWithin(q.Point, reach(q.Radius)+1), func(box int) bool { return boxes[box] != '0' })
			}
		}
	}
	return cells, nil
}

// query returns the arguments of a search in a cell but the last.
func query(c geo.Cell, q match.Query) []string {
	x, y := geo.PlaneOf(c).XY(q.Point)
	return []string{decimal(x), decimal(y), decimal(reach(q.Radius)), words(q.Tags), strconv.Itoa(q.Want), q.Self.ID}
}

// reach is a radius on a plane that holds everyone within meters: squares are half a metre
// wide, and a plane is a little out. The caller measures each answer again.
func reach(meters float64) float64 { return meters + 1 }

// Begin implements match.Requests.
func (s *Store) Begin(ctx context.Context, x match.Session, q match.NewRequest) (match.Begun, error) {
	settings := s.pools.For(x.Pool)
	lat, lng, remote := "", "", ""
	if q.Point != nil {
		lat, lng = decimal(q.Point.Lat), decimal(q.Point.Lng)
	}
	if !settings.RemoteRequests {
		remote = whole(remoteMeters)
	}
	r, err := s.askOnce(ctx, s.onMember("begin", x.Member, append(s.session(x), q.ID, q.Match, lat, lng, decimal(q.Radius),
		widening(q.Widening).text(), words(q.Tags), millis(q.Open), bit(q.Wait), millis(q.Confirm), decimal(settings.RequestsPerMinute),
		decimal(settings.MatchesPerHour), remote, bit(q.Share), jsonList(q.Avoid))...))
	return match.Begun{Status: r.Status, Refusal: r.refusal(), Untold: r.untold(), Request: r.request(),
		Unfinished: r.route(r.Unfinished), Outcome: r.outcome(), Claim: r.claim(), Route: r.route(r.Route)}, err
}

// Register implements match.Requests.
func (s *Store) Register(ctx context.Context, cells []geo.Cell, w match.WaitingRequest, want int) ([]match.Hits, error) {
	text, err := json.Marshal(request{ID: w.ID, Lat: number(w.Lat), Lng: number(w.Lng), Radius: number(w.Radius), Widening: widening(w.Widening),
		Created: number(w.Created), Deadline: number(w.Deadline)})
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	q := match.Query{Self: w.Owner, Point: w.Point, Radius: w.Radius, Tags: w.Tags, Want: want}
	grows := w.Widening
	if grows != (match.Widening{}) {
		grows.From, grows.To = reach(grows.From), reach(grows.To)
	}
	calls := make([]call, len(cells))
	for i, c := range cells {
		calls[i] = s.onCell("register", w.Owner.Pool, c, append(query(c, q), whole(w.Created), whole(w.Deadline), widening(grows).text(), string(text))...)
	}
	all := make([]match.Hits, len(cells))
	for i, result := range s.run(ctx, calls...) {
		r, err := read(calls[i], result)
		if err != nil {
			return nil, err
		}
		if all[i], err = r.hits(cells[i], w.Point); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Withdraw implements match.Requests.
func (s *Store) Withdraw(ctx context.Context, cells []geo.Cell, w match.WaitingRequest) error {
	calls := make([]call, len(cells))
	for i, c := range cells {
		calls[i] = s.onCell("withdraw", w.Owner.Pool, c, w.Owner.ID, whole(w.Created))
	}
	for i, result := range s.run(ctx, calls...) {
		if err := result.Error(); err != nil {
			return failure(calls[i], err)
		}
	}
	return nil
}

// equalMeters is how much further than the horizon of a script a candidate may be. Squares round
// a place by 0.35 m, and a plane is out by 0.1 m; so no other is nearer by a metre.
const equalMeters = 0.3

// hits are what a search of a cell found.
func (r reply) hits(c geo.Cell, around geo.Point) (match.Hits, error) {
	hits := match.Hits{Horizon: math.Inf(1), Rest: r.Rest}
	if r.Horizon != nil {
		hits.Horizon = float64(*r.Horizon) + equalMeters
	}
	plane := geo.PlaneOf(c)
	for _, text := range r.Found {
		parts := strings.SplitN(text, " ", 4)
		if len(parts) != 4 {
			return hits, fmt.Errorf("script %s: a candidate has %d parts", r.call.script, len(parts)) // they are a place
		}
		var numbers [3]int64
		for i := range numbers {
			n, err := strconv.ParseInt(parts[i], 10, 64)
			if err != nil {
				return hits, fmt.Errorf("script %s: %w", r.call.script, err)
			}
			numbers[i] = n
		}
		one := match.Candidate{Member: r.member(parts[3]), Position: match.Position{Point: plane.Middle(numbers[0]),
			At: numbers[1], Seq: numbers[2]}}
		one.Distance = geo.Distance(around, one.Point)
		hits.Candidates = append(hits.Candidates, one)
	}
	slices.SortStableFunc(hits.Candidates, func(a, b match.Candidate) int { return cmp.Compare(a.Distance, b.Distance) })
	return hits, nil
}
