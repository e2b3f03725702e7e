package store_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valkey-io/valkey-go"

	"waggle/internal/store"
	"waggle/internal/store/records"
	"waggle/test/kit/caches"
	"waggle/test/model"
	"waggle/test/mutation/active"
)

// The model is explored in place of the scripts. So each script must do on the cache what
// the model says, to every slot that the exploration meets.
func TestScriptsDoAsTheModelSays(t *testing.T) {
	transitions, err := model.Transitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(transitions) < 1000 {
		t.Fatalf("got %d transitions, want at least 1000: too few to mean anything", len(transitions))
	}
	scripts := store.Texts(active.Script)
	caches.Each(t, func(t *testing.T, c caches.Cache) {
		replayAll(t, strings.TrimPrefix(c.URL, "redis://"), scripts, transitions)
	})
}

const (
	record = "m:{default/Ana}"
	route  = "route:{default/Ana}"
	left   = "left:{default/Ana}"
	past   = "past:{default/Ana}"
	chosen = "chosen:{default/Ana}"
	trail  = "trail:{default/Ana}"
	offset = 3_600_000 // ms that the scripts' clock is ahead of the server's
	far    = 1_000_000 // ms until a deadline that has not passed, or since a sign of life that was long ago
	near   = 1_000     // ms since one that has
	// earlier is the mark of the no_match of an earlier request.
	earlier = "0"
)

// A replayer replays transitions on a cache.
type replayer struct {
	client  valkey.Client
	scripts map[string]string
	now     int64 // by the scripts' clock, ms
}

func replayAll(t *testing.T, addr string, scripts map[string]string, transitions []model.Transition) {
	client, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{addr}, DisableCache: true,
		ForceSingleClient: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s := &replayer{client: client, scripts: scripts}
	wrong := 0
	for i, want := range transitions {
		if testing.Short() && i%8 != 0 { // under the race detector, which finds little here
			continue
		}
		got := s.replay(t, want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v\nof: %v\n(-model +script)\n%s", want.Call, want.Pre, diff)
			if wrong++; wrong == 5 {
				t.Fatal("there may be more")
			}
		}
	}
}

// replay puts the slot into the cache, runs the script and reads the slot again.
func (s *replayer) replay(t *testing.T, want model.Transition) model.Transition {
	t.Helper()
	clock, err := s.client.Do(t.Context(), s.client.B().Time().Build()).AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	seconds, _ := strconv.ParseInt(clock[0], 10, 64)
	s.now = seconds*1000 + offset
	s.do(t, "DEL", route, past)
	if err := records.Write(t.Context(), s.client, record, s.record(t, want.Pre, want.Call.Clock)); err != nil {
		t.Fatal(err)
	}
	if want.Pre.Route != model.None {
		s.do(t, append([]string{"HSET", route}, s.route(want.Pre, want.Call.Clock)...)...)
	}

	args := append([]string{strconv.Itoa(offset), "60000", "60000"}, s.arguments(want.Call)...)
	text, err := s.client.Do(t.Context(), s.client.B().Eval().Script(s.scripts[want.Call.Script.String()]).Numkeys(6).
		Key(record, route, left, past, chosen, trail).Arg(args...).Build()).ToString()
	if err != nil {
		t.Fatalf("%v: %v", want.Call, err)
	}
	var reply struct {
		Status    model.Status
		Confirmed bool
		Untold    []struct{ What, Which string }
		Tell      bool
		Left      bool
	}
	if err := json.Unmarshal([]byte(text), &reply); err != nil {
		t.Fatalf("%v replied %s: %v", want.Call, text, err)
	}
	got := model.Transition{Call: want.Call, Pre: want.Pre, Post: s.slot(t)}
	if reply.Status == "already_ended" {
		reply.Status = model.Other // the model does not remember why an offer has ended
	}
	got.Reply = model.Reply{Status: reply.Status, Confirmed: reply.Confirmed, OutcomeSent: want.Call.Script == model.GiveUp &&
		reply.Status == model.IsNoMatch || reply.Status == model.IsCancelled, Tell: want.Call.Script == model.Watch && reply.Tell,
		Left: want.Call.Script == model.Watch && reply.Left}
	for _, n := range reply.Untold {
		if n.What == "no_match" && n.Which != earlier {
			got.Reply.OutcomeSent = true
		} else {
			got.Reply.Untold |= notice(n.What, n.Which)
		}
	}
	return got
}

func (s *replayer) do(t *testing.T, words ...string) {
	t.Helper()
	if err := s.client.Do(t.Context(), s.client.B().Arbitrary(words...).Build()).Error(); err != nil {
		t.Fatal(err)
	}
}

// ago returns the moment that many ms before the scripts' now.
func (s *replayer) ago(ms int64) string { return strconv.FormatInt(s.now-ms, 10) }

// id returns the id of a match.
func id(matcher model.Member, match model.Match) string { return fmt.Sprintf("%v-%d", matcher, match) }

const ana = model.Member(1)

// record returns the fields of Ana's record: she is connected, fresh and available.
func (s *replayer) record(t *testing.T, slot model.Slot, clock model.Clock) map[string]string {
	fields := map[string]string{"conn": "c1", "connected": s.ago(near), "available": "1", "matchee": "1", "lat": "52.5",
		"lng": "13.4", "at": s.ago(near), "seq": "0", "reported": s.ago(near), "heard": s.ago(near), "cell": "861f1d48fffffff",
		"tags": ""}
	if slot.Matcher != 0 {
		fields["claimMatcher"], fields["claimMatch"] = slot.Matcher.String(), id(slot.Matcher, slot.Claimed)
		if slot.Offer {
			fields["claimOffer"] = "1"
		}
		if slot.Accepted {
			fields["claimAccepted"] = "1"
		}
		fields["claimConfirmed"], fields["claimAt"] = map[bool]string{true: "1", false: "0"}[slot.Confirmed], s.ago(near)
	}
	if slot.Outcome != model.NoRequest {
		match := "earlier"
		switch {
		case slot.Outcome == model.Matched && slot.Confirmed:
			match = id(slot.Matcher, slot.Claimed)
		case slot.Outcome == model.Matched:
			match = id(ana, slot.Match)
		}
		s.do(t, "HSET", past, "requests", fmt.Sprintf(`[{"id":"r1","at":%s,"outcome":"%v","match":"%s","reason":""}]`,
			s.ago(near), slot.Outcome, match))
	}
	if slot.Route == model.Active {
		fields["active"] = id(ana, slot.Match)
	}
	if slot.Left && slot.Confirmed {
		fields["leftMatch"] = id(slot.Matcher, slot.Claimed)
	} else if slot.Left {
		fields["leftMatch"] = id(ana, slot.Match)
	}
	if clock == model.GraceExpired {
		fields["heard"], fields["reported"] = s.ago(far), s.ago(far)
		if slot.Matcher != 0 {
			fields["claimAt"] = s.ago(far)
		}
	}
	var untold [][]string
	if slot.Untold&model.UntoldMatch != 0 {
		current := id(ana, slot.Match)
		if slot.Confirmed {
			current = id(slot.Matcher, slot.Claimed)
		}
		untold = append(untold, []string{"matched", current})
	}
	if slot.Untold&model.UntoldOffer != 0 {
		current := id(ana, slot.Match)
		if slot.Offer {
			current = id(slot.Matcher, slot.Claimed)
		}
		untold = append(untold, []string{"offered", current})
	}
	for n := model.Match(1); n <= 2; n++ {
		if slot.Untold&model.UntoldEnd(n) != 0 {
			untold = append(untold, []string{"ended", id(ana, n)})
		}
	}
	if slot.Untold&model.UntoldNoMatch != 0 {
		untold = append(untold, []string{"no_match", earlier, "500", "r0"})
	}
	if untold != nil {
		text, _ := json.Marshal(untold)
		fields["untold"] = string(text)
	}
	switch {
	case slot.Due:
		fields["no_match"] = s.ago(near) + " 500 r1"
	case slot.Route == model.Waiting || slot.Route == model.Searching || slot.Route == model.Offered:
		_, deadline := s.deadlines(clock)
		fields["no_match"] = deadline + " 500 r1"
	}
	return fields
}

// deadlines are those of a lease and of a request, which have passed or not.
func (s *replayer) deadlines(clock model.Clock) (till, deadline string) {
	till, deadline = s.ago(-far), s.ago(-far)
	if clock == model.LeaseExpired || clock == model.BothExpired {
		till = s.ago(near)
	}
	if clock == model.RequestExpired || clock == model.BothExpired {
		deadline = s.ago(near)
	}
	return till, deadline
}

// route returns the fields of Ana's entry, with deadlines that have passed or not.
func (s *replayer) route(slot model.Slot, clock model.Clock) []string {
	till, deadline := s.deadlines(clock)
	fields := []string{"state", slot.Route.String(), "request", "r1", "lat", "52.5", "lng", "13.4", "radius", "500",
		"tags", "", "created", s.ago(2 * near), "deadline", deadline, "wait", "1", "registered", "0", "searched", s.ago(near),
		"confirm", map[bool]string{true: strconv.Itoa(far), false: "0"}[slot.Asks]}
	if clock == model.GraceExpired {
		fields = append(fields, "searched", s.ago(far))
	}
	if slot.Match != 0 {
		fields = append(fields, "match", id(ana, slot.Match))
	}
	if slot.Matchee != 0 {
		fields = append(fields, "matchee", slot.Matchee.String(), "notified", "0")
	}
	if slot.Route == model.Searching || slot.Route == model.Offered || slot.Route == model.Ended {
		fields = append(fields, "till", till)
	}
	return fields
}

// arguments returns a script's own arguments.
func (s *replayer) arguments(c model.Call) []string {
	match := id(c.Matcher, c.Match)
	session := []string{"c1", s.ago(near), "1000", "1000"}
	switch c.Script {
	case model.Begin:
		return append(session, "r2", match, "52.5", "13.4", "500", "", "", strconv.Itoa(far), "1",
			map[bool]string{true: strconv.Itoa(far), false: "0"}[c.Asks], "1000", "1000", "", "0", "[]")
	case model.Lease:
		return []string{match}
	case model.Claim:
		return []string{c.Matcher.String(), match, s.ago(near), "0", "", map[bool]string{true: "1", false: ""}[c.Asks]}
	case model.Commit:
		return []string{match, c.Matchee.String(), "1000", "0"}
	case model.Offer:
		return []string{match, c.Matchee.String(), "250"}
	case model.Accept:
		return append(session, match)
	case model.Decline:
		return []string{match, c.Matchee.String()}
	case model.Confirm:
		return []string{c.Matcher.String(), match}
	case model.Release:
		return []string{c.Matcher.String(), match, "lost", "nobody", "1000", "1000", "300000"}
	case model.GiveUp:
		return []string{match, map[bool]string{true: "wait", false: "none"}[c.Wait]}
	case model.Cancel:
		return append(session, "", "")
	case model.Finish:
		return []string{match, c.Matchee.String(), "completed", "nobody", "1000", "1000", "1000", "300000"}
	case model.Retract:
		return []string{s.ago(2 * near)}
	case model.Watch:
		return []string{match, c.Matchee.String()}
	case model.Read:
		if !c.Own {
			session = []string{"", "", "", ""}
		}
		return append(session, "0")
	case model.Told:
		var marks []string
		for _, matcher := range []model.Member{1, 2, 3} {
			marks = append(marks, map[model.Kind]string{model.MatchedNotice: "matched ", model.EndedNotice: "ended ", model.OfferedNotice: "offered "}[c.Notice]+id(matcher, c.Match))
		}
		if c.Notice == model.NoMatchNotice {
			marks = []string{"no_match " + s.ago(near), "no_match " + s.ago(-far)}
		}
		return []string{"c1", strings.Join(marks, ","), ""}
	}
	return session
}

// slot reads Ana's slot back.
func (s *replayer) slot(t *testing.T) model.Slot {
	t.Helper()
	var slot model.Slot
	r := s.fields(t, route)
	for slot.Route = model.None; slot.Route.String() != r["state"] && len(r) > 0; slot.Route++ {
	}
	slot.Match, slot.Matchee = number(r["match"]), memberNamed(r["matchee"])
	m, err := records.Read(t.Context(), s.client, record)
	if err != nil {
		t.Fatal(err)
	}
	slot.Matcher, slot.Claimed = memberNamed(m["claimMatcher"]), number(m["claimMatch"])
	slot.Confirmed, slot.Offer, slot.Accepted = m["claimConfirmed"] == "1", m["claimOffer"] == "1", m["claimAccepted"] == "1"
	slot.Left = m["leftMatch"] != ""
	slot.Asks = slot.Route != model.None && slot.Route != model.Ended && r["confirm"] != "0"
	if requests := s.fields(t, past)["requests"]; requests != "" {
		var asked []struct{ Outcome string }
		if err := json.Unmarshal([]byte(requests), &asked); err != nil {
			t.Fatal(err)
		}
		for last := asked[len(asked)-1]; slot.Outcome.String() != last.Outcome; slot.Outcome++ {
		}
	}
	if slot.Route != model.Waiting && slot.Route != model.Searching && slot.Route != model.Offered {
		slot.Due = m["no_match"] != ""
	}
	if m["untold"] != "" {
		var untold [][]string
		if err := json.Unmarshal([]byte(m["untold"]), &untold); err != nil {
			t.Fatal(err)
		}
		for _, n := range untold {
			slot.Untold |= notice(n[0], n[1])
		}
	}
	return slot
}

// notice is a notice of a record as the model has it.
func notice(what, which string) model.Notices {
	switch what {
	case "matched":
		return model.UntoldMatch
	case "offered":
		return model.UntoldOffer
	case "ended":
		return model.UntoldEnd(number(which))
	}
	return model.UntoldNoMatch
}

func (s *replayer) fields(t *testing.T, key string) map[string]string {
	t.Helper()
	fields, err := s.client.Do(t.Context(), s.client.B().Hgetall().Key(key).Build()).AsStrMap()
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

func memberNamed(name string) model.Member {
	for m := model.Member(1); m <= 3; m++ {
		if m.String() == name {
			return m
		}
	}
	return 0
}

func number(id string) model.Match {
	if id == "" {
		return 0
	}
	return model.Match(id[len(id)-1] - '0')
}
