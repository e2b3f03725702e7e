package store

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// number reads what a script wrote as a number, or as the text of one.
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "" || text == "null" || text == "false" {
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	*n = number(f)
	return err
}

// flag reads a boolean, or "1" and "0".
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	text := string(b)
	*f = text == "true" || text == `"1"`
	return nil
}

type claim struct {
	Matcher   string `json:"matcher"`
	Match     string `json:"match"`
	Confirmed flag   `json:"confirmed"`
	At        number `json:"at"`
}

type position struct {
	Lat      number `json:"lat"`
	Lng      number `json:"lng"`
	At       number `json:"at"`
	Seq      number `json:"seq"`
	Accuracy string `json:"accuracy"`
	Heading  string `json:"heading"`
	Speed    string `json:"speed"`
}

type request struct {
	ID         string `json:"id"`
	Lat        number `json:"lat"`
	Lng        number `json:"lng"`
	Radius     number `json:"radius"`
	Tags       string `json:"tags"`
	Created    number `json:"created"`
	Deadline   number `json:"deadline"`
	Wait       flag   `json:"wait"`
	Registered flag   `json:"registered"`
}

type change struct {
	Op string `json:"op"`
	position
	Cell    geo.Cell `json:"cell"`
	Epoch   number   `json:"epoch"`
	Heard   number   `json:"heard"`
	Session number   `json:"session"`
	Tags    string   `json:"tags"`
}

// answer is what member.lua's reply writes.
type answer struct {
	Status     match.Status `json:"status"`
	Now        number       `json:"now"`
	Old        string       `json:"old"`
	Connection string       `json:"connection"`
	Reason     string       `json:"reason"`
	Changes    []change     `json:"changes"`
	Back       []change     `json:"back"`
	Claim      *claim       `json:"claim"`
	Position   *position    `json:"position"`
	Request    *request     `json:"request"`
	Card       string       `json:"card"`
	Available  string       `json:"available"`
	Confirmed  flag         `json:"confirmed"`
	Told       flag         `json:"told"`
	Again      flag         `json:"again"`
	State      match.State  `json:"state"`
	Match      string       `json:"match"`
	Matchee    string       `json:"matchee"`
	Registered flag         `json:"registered"`
	Listed     flag         `json:"listed"`
	At         number       `json:"at"`
	Epoch      number       `json:"epoch"`
	Advice     match.Advice `json:"advice"`
	Advised    flag         `json:"advised"`
	Due        *struct {
		ID     string `json:"id"`
		Radius number `json:"radius"`
	} `json:"due"`
	Outcome *struct {
		ID      string `json:"id"`
		Outcome string `json:"outcome"`
		Match   string `json:"match"`
		Reason  string `json:"reason"`
		Radius  number `json:"radius"`
	} `json:"outcome"`
	Route *struct {
		State   match.State `json:"state"`
		Match   string      `json:"match"`
		Matchee string      `json:"matchee"`
		Reason  string      `json:"reason"`
		Told    flag        `json:"told"`
		Request request     `json:"request"`
	} `json:"route"`
	Pasts []struct {
		Match   string `json:"match"`
		Matcher string `json:"matcher"`
		Reason  string `json:"reason"`
		At      number `json:"at"`
	} `json:"pasts"`
}

// readAnswer reads what a script on a member's slot said.
func readAnswer(c call, result valkey.ValkeyResult) (match.Answer, error) {
	text, err := result.AsBytes()
	if err != nil {
		return match.Answer{}, failure(c, err)
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return match.Answer{}, fmt.Errorf("script %s: %w", c.script, err)
	}
	pool := c.pool
	out := match.Answer{
		Status: a.Status, Now: int64(a.Now), Old: a.Old, Connection: a.Connection, Reason: a.Reason,
		Changes: changes(a.Changes), Back: changes(a.Back), Card: a.Card, Available: a.Available,
		Confirmed: bool(a.Confirmed), Told: bool(a.Told), Again: bool(a.Again), State: a.State, Listed: bool(a.Listed), At: int64(a.At),
		Epoch: int64(a.Epoch), Advice: a.Advice, Advised: bool(a.Advised),
	}
	if a.Claim != nil {
		out.Claim = &match.Claim{Matcher: match.Member{Pool: pool, ID: a.Claim.Matcher}, Match: a.Claim.Match,
			Confirmed: bool(a.Claim.Confirmed), At: int64(a.Claim.At)}
	}
	if a.Position != nil {
		p := a.Position.domain()
		out.Position = &p
	}
	if a.Request != nil {
		r := a.Request.domain()
		out.Request = &r
	}
	if a.Due != nil {
		out.Due = &match.Due{ID: a.Due.ID, Radius: float64(a.Due.Radius)}
	}
	if o := a.Outcome; o != nil {
		out.Outcome = match.Outcome{ID: o.ID, Kind: o.Outcome, Match: o.Match, Reason: o.Reason, Radius: float64(o.Radius)}
	}
	switch {
	case a.Route != nil:
		out.Route = &match.Route{State: a.Route.State, Match: a.Route.Match, Matchee: match.Member{Pool: pool, ID: a.Route.Matchee},
			Reason: a.Route.Reason, Told: bool(a.Route.Told), Request: a.Route.Request.domain()}
	case a.Match != "" || a.State != "":
		out.Route = &match.Route{State: a.State, Match: a.Match, Matchee: match.Member{Pool: pool, ID: a.Matchee},
			Reason: a.Reason, Told: bool(a.Told)}
		out.Route.Request.Registered = bool(a.Registered)
	}
	for _, p := range a.Pasts {
		out.Past = append(out.Past, match.Past{Match: p.Match, Matcher: match.Member{Pool: pool, ID: p.Matcher}, Reason: p.Reason,
			At: int64(p.At)})
	}
	return out, nil
}

func (p position) domain() match.Position {
	return match.Position{
		Point: geo.Point{Lat: float64(p.Lat), Lng: float64(p.Lng)}, At: int64(p.At), Seq: int64(p.Seq),
		Accuracy: parseOptional(p.Accuracy), Heading: parseOptional(p.Heading), Speed: parseOptional(p.Speed),
	}
}

func (r request) domain() match.Request {
	return match.Request{
		ID: r.ID, Point: geo.Point{Lat: float64(r.Lat), Lng: float64(r.Lng)}, Radius: float64(r.Radius),
		Tags: strings.Fields(r.Tags), Created: int64(r.Created), Deadline: int64(r.Deadline), Wait: bool(r.Wait),
		Registered: bool(r.Registered),
	}
}

func changes(list []change) []match.Change {
	var out []match.Change
	for _, c := range list {
		out = append(out, match.Change{List: c.Op == "list", Cell: c.Cell, Epoch: int64(c.Epoch), Position: c.position.domain(),
			Heard: int64(c.Heard), Session: int64(c.Session), Tags: c.Tags})
	}
	return out
}

func parseOptional(text string) *float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	return &f
}
