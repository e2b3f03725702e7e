package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
)

// reply is the union of all script replies; each step reads the fields that its script
// sets. Hashes keep text, so numbers and flags come as text too.
type reply struct {
	call       call
	Status     match.Status `json:"status"`
	Now        number       `json:"now"`
	Limit      match.Limit  `json:"limit"`
	Retry      number       `json:"retry"` // ms
	Old        string       `json:"old"`
	Connection string       `json:"connection"`
	Matchee    string       `json:"matchee"`
	Reason     string       `json:"reason"`
	Early      match.By     `json:"early"`
	Card       string       `json:"card"`
	Available  string       `json:"available"`
	Tags       string       `json:"tags"`
	Advice     match.Advice `json:"advice"`
	NotTaken   string       `json:"not_taken"`
	AdviceMark string       `json:"advice_mark"`
	Tell       flag         `json:"tell"`
	Pushing    flag         `json:"pushing"`
	Check      flag         `json:"check"`
	Lag        number       `json:"lag"` // ms
	ClockOff   flag         `json:"clock_off"`
	Stands     stands       `json:"stands"`
	Confirmed  flag         `json:"confirmed"`
	Missed     flag         `json:"missed"`
	Waits      flag         `json:"waits"`
	Searched   flag         `json:"searched"`
	Mark       number       `json:"mark"` // epoch ms
	Unlisted   number       `json:"unlisted"`
	Connected  number       `json:"connected"`
	Heard      number       `json:"heard"`
	Presence   presence     `json:"presence"`
	Look       number       `json:"look"` // epoch ms
	Left       flag         `json:"left"`
	Peer       *peerState   `json:"peer"`
	Fresh      flag         `json:"fresh"`
	CoolDowns  number       `json:"cool_downs"`
	At         number       `json:"at"`
	Since      number       `json:"since"`
	Skipped    []string     `json:"skipped"` // each a Fix
	Changes    []change     `json:"changes"`
	Claim      *claim       `json:"claim"`
	Position   *position    `json:"position"`
	Request    *request     `json:"request"`
	Route      *route       `json:"route"`
	Unfinished *route       `json:"unfinished"`
	Offered    *route       `json:"offered"`
	Untold     []untold     `json:"untold"`
	Outcome    outcome      `json:"outcome"`
	Ends       []end        `json:"ends"`
	Found      []string     `json:"found"`   // each "square at seq member"
	Horizon    *number      `json:"horizon"` // in units of the cell's plane
	Rest       string       `json:"rest"`
	Waiting    []waiting    `json:"waiting"`
	Cells      string       `json:"cells"` // of an area, each "cell till.boxes"
	Cell       shortCell    `json:"cell"`
	Count      number       `json:"count"`
	Till       number       `json:"till"` // epoch ms
	Events     []string     `json:"events"`
	EventsOf   string       `json:"events_of"`
}

type (
	claim struct {
		Matcher   string `json:"matcher"`
		Match     string `json:"match"`
		Confirmed flag   `json:"confirmed"`
		At        number `json:"at"`
		Offer     flag   `json:"offer"`
		Accepted  flag   `json:"accepted"`
		Left      flag   `json:"left"`
	}
	position struct {
		Lat    degrees `json:"lat"`
		Lng    degrees `json:"lng"`
		At     number  `json:"at"`
		Seq    number  `json:"seq"`
		Motion string  `json:"motion"`
	}
	request struct {
		ID         string   `json:"id"`
		Lat        number   `json:"lat"`
		Lng        number   `json:"lng"`
		Radius     number   `json:"radius"`
		Widening   widening `json:"widening,omitzero"`
		Tags       string   `json:"tags"`
		Created    number   `json:"created"`
		Deadline   number   `json:"deadline"`
		Wait       flag     `json:"wait,omitempty"`
		Registered flag     `json:"registered,omitempty"`
		Share      flag     `json:"share,omitempty"`
		Apart      []peer   `json:"apart,omitempty"`
		Confirm    number   `json:"confirm,omitempty"` // ms
		Declined   []string `json:"declined,omitempty"`
	}
	peer struct {
		ID string `json:"peer"`
	}
	route struct {
		State    match.State `json:"state"`
		Match    string      `json:"match"`
		Matchee  string      `json:"matchee"`
		Reason   string      `json:"reason"`
		Notified flag        `json:"notified"`
		Till     number      `json:"till"`
		Distance number      `json:"distance"`
		Grown    flag        `json:"grown"`
		Left     flag        `json:"left"`
		Request  request     `json:"request"`
	}
	stands struct {
		Available *flag   `json:"available"`
		Tags      *string `json:"tags"`
	}
	presence struct {
		Away  number     `json:"away"`  // epoch ms
		Heard number     `json:"heard"` // epoch ms
		Peer  *peerState `json:"peer"`
	}
	peerState struct {
		Match string `json:"match"`
		State string `json:"state"`
		Since number `json:"since"`
	}
	noMatch struct {
		ID     string `json:"id"`
		Radius number `json:"radius"`
	}
	untold struct {
		noMatch
		What     match.Notice `json:"what"`
		Which    string       `json:"which"`
		Reason   string       `json:"reason"`
		Advice   match.Advice `json:"advice"`
		Lag      number       `json:"lag"` // ms
		Unlisted number       `json:"unlisted"`
		Peer     *peerState   `json:"peer"`
	}
	outcome struct {
		noMatch
		Outcome string `json:"outcome"`
		Match   string `json:"match"`
		Reason  string `json:"reason"`
	}
	end struct {
		Match   string   `json:"match"`
		Matcher string   `json:"matcher"`
		Reason  string   `json:"reason"`
		Early   match.By `json:"early"`
		At      number   `json:"at"`
	}
	event struct {
		Type     match.EventType `json:"type"`
		At       number          `json:"at"`
		Match    string          `json:"match"`
		Matchee  string          `json:"matchee"`
		Request  string          `json:"request"`
		Reason   string          `json:"reason"`
		Distance number          `json:"distance"`
		Left     match.By        `json:"left"`
	}
	waiting struct {
		Owner   string `json:"owner"`
		Request string `json:"request"` // as register was given it
	}
)

// ask runs one script.
func (s *Store) ask(ctx context.Context, c call) (reply, error) {
	return s.read(c, s.run(ctx, c)[0])
}

// askOnce is ask for what must not be repeated.
func (s *Store) askOnce(ctx context.Context, c call) (reply, error) {
	c.once = true
	return s.ask(ctx, c)
}

// read reads what a script said, and passes on what is not yet published.
func (s *Store) read(c call, result valkey.ValkeyResult) (reply, error) {
	r, err := read(c, result)
	if err != nil || s.unpublished == nil || len(r.Events) == 0 && r.EventsOf == "" {
		return r, err
	}
	u, err := r.unpublished()
	if err == nil {
		s.unpublished(u)
	}
	return r, err
}

// read reads what a script said.
func read(c call, result valkey.ValkeyResult) (reply, error) {
	r := reply{call: c}
	text, err := result.AsBytes()
	if err != nil {
		return r, failure(c, err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("script %s: %w", c.script, err)
	}
	return r, nil
}

func (r reply) refusal() match.Refusal {
	return match.Refusal{Limit: r.Limit, RetryAfter: time.Duration(r.Retry) * time.Millisecond}
}

func (r reply) member(id string) match.Member { return match.Member{Pool: r.call.pool, ID: id} }

func (r reply) claim() *match.Claim {
	if r.Claim == nil {
		return nil
	}
	return &match.Claim{Matcher: r.member(r.Claim.Matcher), Match: r.Claim.Match, Confirmed: bool(r.Claim.Confirmed), At: int64(r.Claim.At),
		Offer: bool(r.Claim.Offer), Accepted: bool(r.Claim.Accepted), Left: bool(r.Claim.Left)}
}

func (s stands) domain() (c match.Choice) {
	c.Available = (*bool)(s.Available)
	if s.Tags != nil {
		tags := strings.Fields(*s.Tags)
		c.Tags = &tags
	}
	return c
}

func (r reply) position() *match.Position {
	if r.Position == nil {
		return nil
	}
	p := r.Position.domain()
	return &p
}

func (p position) domain() match.Position {
	out := match.Position{Point: geo.Point{Lat: float64(p.Lat), Lng: float64(p.Lng)}, At: int64(p.At), Seq: int64(p.Seq)}
	if p.Motion != "" {
		out.Motion = readMotion(p.Motion)
	}
	return out
}

// writeMotion writes a motion as short as a record needs it: its three numbers, "-" for one that
// is absent, or "" if all are. readMotion reads it.
func writeMotion(m protocol.Motion) string {
	if m == (protocol.Motion{}) {
		return ""
	}
	var words []string
	for _, n := range []*float64{m.Accuracy, m.Heading, m.Speed} {
		word := "-"
		if n != nil {
			word = strconv.FormatFloat(*n, 'g', -1, 64)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func readMotion(text string) (m protocol.Motion) {
	into := []**float64{&m.Accuracy, &m.Heading, &m.Speed}
	for i, word := range strings.Fields(text) {
		if n, err := strconv.ParseFloat(word, 64); err == nil && i < len(into) {
			*into[i] = &n
		}
	}
	return m
}

func (r reply) request() *match.Request {
	if r.Request == nil {
		return nil
	}
	q := r.Request.domain()
	q.Apart, q.Declined = r.apart(r.Request), r.declined(r.Request)
	return &q
}

func (r reply) requestID() string {
	if r.Request == nil {
		return ""
	}
	return r.Request.ID
}

// apart are the members with whom the owner of a request has a cool-down.
func (r reply) apart(q *request) (all []match.Member) {
	for _, p := range q.Apart {
		all = append(all, r.member(p.ID))
	}
	return all
}

func (r reply) declined(q *request) (all []match.Member) {
	for _, id := range q.Declined {
		all = append(all, r.member(id))
	}
	return all
}

func (q request) domain() match.Request {
	return match.Request{
		ID: q.ID, Point: geo.Point{Lat: float64(q.Lat), Lng: float64(q.Lng)}, Radius: float64(q.Radius), Widening: match.Widening(q.Widening),
		Tags: strings.Fields(q.Tags), Created: int64(q.Created), Deadline: int64(q.Deadline), Wait: bool(q.Wait),
		Registered: bool(q.Registered), Share: bool(q.Share), Confirm: time.Duration(q.Confirm) * time.Millisecond,
	}
}

func (r reply) route(t *route) *match.Route {
	if t == nil {
		return nil
	}
	request := t.Request.domain()
	request.Apart, request.Declined = r.apart(&t.Request), r.declined(&t.Request)
	return &match.Route{State: t.State, Match: t.Match, Matchee: r.member(t.Matchee), Reason: t.Reason, Notified: bool(t.Notified), Grown: bool(t.Grown), Left: bool(t.Left),
		Until: int64(t.Till), Distance: float64(t.Distance),
		Request: request}
}

func (r reply) snapshot() match.Snapshot {
	return match.Snapshot{Status: r.Status, Refusal: r.refusal(), Now: int64(r.Now), Untold: r.untold(), Connection: r.Connection, Claim: r.claim(),
		Position: r.position(), Card: r.Card, Available: r.Available, Tags: r.Tags,
		Route: r.route(r.Route), Searched: bool(r.Searched), Tell: bool(r.Tell), Pushing: bool(r.Pushing), Check: bool(r.Check), Ends: r.ends(),
		Changes: domainChanges(r.Changes), Unlisted: int64(r.Unlisted), Presence: r.Presence.domain(), Look: int64(r.Look)}
}

func (p presence) domain() match.Presence {
	return match.Presence{Away: int64(p.Away), Heard: int64(p.Heard), Known: p.Peer.domain()}
}

func (p *peerState) domain() (k match.PeerState) {
	if p != nil {
		k = match.PeerState{Match: p.Match, Away: p.State == protocol.PeerAway, Since: int64(p.Since)}
	}
	return k
}

func (r reply) finished() match.Finished {
	return match.Finished{Status: r.Status, Tell: bool(r.Tell), Reason: r.Reason, Early: r.Early, Connection: r.Connection, RequestID: r.requestID(),
		Changes: domainChanges(r.Changes), Unlisted: int64(r.Unlisted)}
}

func (r reply) untold() (all []match.Untold) {
	for _, u := range r.Untold {
		all = append(all, match.Untold{Notice: u.What, Which: u.Which, ID: u.ID, Reason: u.Reason, Radius: float64(u.Radius), Advice: u.Advice,
			Unlisted: int64(u.Unlisted), Lag: time.Duration(u.Lag) * time.Millisecond, Peer: u.Peer.domain()})
	}
	return all
}

func (r reply) outcome() match.Outcome {
	o := r.Outcome
	return match.Outcome{ID: o.ID, Kind: o.Outcome, Match: o.Match, Reason: o.Reason, Radius: float64(o.Radius)}
}

func (r reply) ends() (all []match.End) {
	for _, e := range r.Ends {
		all = append(all, match.End{Match: e.Match, Matcher: r.member(e.Matcher), Reason: e.Reason, Early: e.Early, At: int64(e.At)})
	}
	return all
}

// skipped are the positions that no push has shown.
func (r reply) skipped() (all []protocol.Fix, err error) {
	for _, text := range r.Skipped {
		var p protocol.Fix
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return nil, fmt.Errorf("script %s: %w", r.call.script, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// unpublished are the events of the member that are not yet published.
func (r reply) unpublished() (match.Unpublished, error) {
	u := match.Unpublished{Member: r.call.member}
	if r.EventsOf != "" {
		u.Matcher = r.member(r.EventsOf)
	}
	for _, text := range r.Events {
		var e event
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return u, fmt.Errorf("script %s: %w", r.call.script, err)
		}
		u.Stored = append(u.Stored, text)
		u.Events = append(u.Events, match.Event{Type: e.Type, At: int64(e.At), Match: e.Match, Matcher: r.call.member, Matchee: e.Matchee,
			Request: e.Request, Reason: e.Reason, Distance: float64(e.Distance), Left: e.Left})
	}
	return u, nil
}

func domainChanges(list []change) (all []match.Change) {
	for _, c := range list {
		all = append(all, match.Change(c))
	}
	return all
}

// waiting are the requests that wait for a member who is listed at the point.
func (r reply) waiting(at geo.Point) (all []match.WaitingRequest, err error) {
	for _, w := range r.Waiting {
		var q request
		if err := json.Unmarshal([]byte(w.Request), &q); err != nil {
			return nil, fmt.Errorf("script %s: %w", r.call.script, err)
		}
		q.Wait = true
		one := match.WaitingRequest{Owner: r.member(w.Owner), Request: q.domain()}
		one.Tags = nil // the cell has compared them
		one.Distance = geo.Distance(at, one.Point)
		all = append(all, one)
	}
	return all, nil
}
