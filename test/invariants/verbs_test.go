package invariants_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
)

// ask invokes the function match as a back end does, and returns the answer.
func (be *backend) ask(verb, fields string, args ...any) (answer map[string]any) {
	be.t.Helper()
	return be.askIn("default", verb, fields, args...)
}

func (be *backend) askIn(pool, verb, fields string, args ...any) (answer map[string]any) {
	be.t.Helper()
	text, err := be.app.Invoke(be.t.Context(), []byte(`{"verb":"`+verb+`","pool":"`+pool+`",`+fmt.Sprintf(fields, args...)+`}`))
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		be.t.Fatalf("%s: %s, %v", verb, text, err)
	}
	return answer
}

// verb invokes a verb that may fail.
func (s *scene) verb(verb, fields string) {
	if text, err := s.app.Invoke(s.t.Context(), []byte(`{"verb":"`+verb+`","pool":"`+s.pool+`",`+fields+`}`)); err != nil {
		s.t.Errorf("%s: %s, %v", verb, text, err)
	}
}

// answers fails the test unless an answer has these fields, among others.
func (be *backend) answers(got map[string]any, want string) map[string]any {
	be.t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(want), &fields); err != nil {
		be.t.Fatal(err)
	}
	for name, value := range fields {
		if fmt.Sprint(got[name]) != fmt.Sprint(value) {
			be.t.Errorf("got %v, want %s", got, want)
		}
	}
	return got
}

// isNow reports whether a time of an answer is about the present.
func (be *backend) isNow(a any) bool {
	ms, ok := a.(float64)
	return ok && math.Abs(ms-float64(be.now().UnixMilli())) < 5000
}

func TestABackEndSeesWhatIsStoredOfAMember(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		be.answers(be.ask("member.get", `"member":"ana"`),
			`{"type":"error","code":"not_found","message":"nothing is known of this member: it was never here, or it left hours ago","retryable":false}`)
		ana := be.join("ana")
		be.answers(be.ask("member.get", `"member":"ana"`), `{"type":"member","pool":"default","member":"ana","connected":true,"available":true,"fresh":false,"tags":[],"coolDowns":0}`)
		ana.at(37.7749, -122.4194, `"tags":["xl","bike"]`)
		got := be.answers(be.ask("member.get", `"member":"ana"`), `{"connected":true,"available":true,"fresh":true,"tags":["bike","xl"]}`)
		for _, name := range []string{"now", "connectedAt", "heardAt"} {
			if !be.isNow(got[name]) {
				t.Errorf("%s: got %v, want the present", name, got[name])
			}
		}
		if got["location"] != nil || got["match"] != nil || got["request"] != nil || got["unlisted"] != nil {
			t.Errorf("got %v", got)
		}
		where := be.ask("member.get", `"member":"ana","position":true`)["location"].(map[string]any)
		be.answers(where, `{"lat":37.7749,"lng":-122.4194}`)
		if !be.isNow(where["at"]) {
			t.Errorf("got %v", where)
		}

		ana.send("match", `"id":"m","radius":500,"wait":60`)
		be.answers(be.ask("member.get", `"member":"ana"`)["request"].(map[string]any), `{"id":"m","radius":500,"wait":true}`)
		ben := be.join("ben")
		ben.at(37.775, -122.4194)
		match := want[*protocol.Matched](ana).Match
		hers := be.ask("member.get", `"member":"ana"`)
		be.answers(hers["match"].(map[string]any), `{"match":"`+match+`","role":"matcher","peer":"ben"}`)
		his := be.ask("member.get", `"member":"ben"`)["match"].(map[string]any)
		be.answers(his, `{"match":"`+match+`","role":"matchee","peer":"ana"}`)
		if hers["request"] != nil || !be.isNow(his["since"]) || his["since"] != hers["match"].(map[string]any)["since"] {
			t.Errorf("got %v and %v", hers, his)
		}
		ben.send("end", `"match":"`+match+`","reason":"cancelled"`)
		be.answers(be.ask("member.get", `"member":"ben"`), `{"coolDowns":1}`)
		ana.disconnect()
		be.answers(be.ask("member.get", `"member":"ana","position":true`), `{"connected":false,"fresh":false,"available":true}`)
		be.advance(2 * time.Hour)
		be.answers(be.ask("member.get", `"member":"ben"`), `{"connected":false,"fresh":false}`)

		log := be.log.text()
		for _, secret := range []string{"37.77", "122.41"} {
			if strings.Contains(log, secret) {
				t.Errorf("the log has the position %s", secret)
			}
		}
		for _, line := range []string{"level=INFO msg=verb verb=member.get pool=default member=ana outcome=not_found\n",
			"level=INFO msg=verb verb=member.get pool=default member=ben outcome=ok\n"} {
			if !strings.Contains(log, line) {
				t.Errorf("the log has no line %s", line)
			}
		}
	})
}

// A back end repairs what it looks at, as the member's own hello does.
func TestABackEndSeesTheMatchRepaired(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		s := be.newScene("verbs")
		s.pair()
		be.direct.Do(t.Context(), be.direct.B().Del().Key("w3:route:{verbs/ana}").Build())
		s.b.take()
		if got := be.askIn(s.pool, "member.get", `"member":"ben"`); got["match"] != nil {
			t.Errorf("got %v", got)
		}
		if e := want[*protocol.Ended](s.b); e.Reason != protocol.ReasonLost {
			t.Errorf("got %+v", e)
		}
	})
}

func TestABackEndEndsASession(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		be.answers(be.ask("member.disconnect", `"member":"ana"`), `{"type":"disconnected","pool":"default","member":"ana","closed":false}`)
		ana, eve := be.join("ana"), be.join("eve")
		ana.at(37.7749, -122.4194)
		ana.take()
		be.answers(be.ask("member.disconnect", `"member":"ana","reason":"the shift is over"`), `{"type":"disconnected","closed":true}`)
		if e := ana.wantError(protocol.CodeUnauthenticated); e.Message != "the application has ended this session: the shift is over" || e.Retryable {
			t.Errorf("got %+v", e)
		}
		if !be.closed[ana.connection] {
			t.Error("its connection was not closed")
		}
		ana.send("ping", "") // the session is over
		if frames := ana.take(); len(frames) > 0 {
			t.Errorf("got %s", protocol.Encode(frames[0]))
		}
		eve.send("match", `"lat":37.7749,"lng":-122.4194,"radius":500`)
		want[*protocol.NoMatch](eve)
		be.answers(be.ask("member.disconnect", `"member":"ana"`), `{"closed":false}`)

		ana = ana.reconnect()
		be.ask("member.disconnect", `"member":"ana"`)
		if e := ana.wantError(protocol.CodeUnauthenticated); e.Message != "the application has ended this session" {
			t.Errorf("got %+v", e)
		}

		ana = ana.reconnect()
		be.advance(time.Hour + time.Second) // its token expires
		be.answers(be.ask("member.disconnect", `"member":"ana"`), `{"closed":true}`)
		if e := ana.wantError(protocol.CodeUnauthenticated); !strings.HasPrefix(e.Message, "the session has expired") || !be.closed[ana.connection] {
			t.Errorf("got %+v", e)
		}
		if strings.Contains(be.log.text(), "shift") {
			t.Error("the log has the reason, which is for the member")
		}
	})
}

func TestABackEndEndsAMatchForBoth(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, by := range []string{"matcher", "matchee"} {
			s := be.newScene("verbs-" + by)
			s.pair()
			member := map[string]*client{"matcher": s.a, "matchee": s.b}[by].id.Member
			s.a.take()
			s.b.take()
			answer := `{"type":"ended","match":"` + s.match + `","reason":"cancelled"}`
			for range 2 { // a repeat has the same answer, and notifies nobody
				got := be.answers(be.askIn(s.pool, "match.end", `"member":"%s","match":"%s","reason":"cancelled"`, member, s.match), answer)
				if len(got) != 3 {
					t.Errorf("got %v", got)
				}
			}
			for _, c := range []*client{s.a, s.b} {
				if frames := c.take(); len(frames) != 1 || frames[0].(*protocol.Ended).Reason != "cancelled" {
					t.Errorf("%s, by the %s: got %s", c.id.Member, by, c.all())
				}
				if w := c.hello(); w.Match != nil || w.Unlisted != nil {
					t.Errorf("%s: got %+v", c.id.Member, w)
				}
			}
			be.answers(be.askIn(s.pool, "member.get", `"member":"%s"`, member), `{"coolDowns":0}`) // neither of them has left the other
		}
		be.answers(be.ask("match.end", `"member":"ana","match":"none"`),
			`{"type":"error","code":"not_found","message":"there is no such match of this member, or it ended more than 60 s ago"}`)
		if line := "msg=verb verb=match.end pool=default member=ana match=none outcome=not_found\n"; !strings.Contains(be.log.text(), line) {
			t.Errorf("the log has no line %s", line)
		}
	})
}

func TestABackEndSeesHowAMatchStands(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		s := be.newScene("verbs")
		s.pair()
		look := func(by, want string) map[string]any {
			t.Helper()
			return be.answers(be.askIn(s.pool, "match.get", `"member":"%s","match":"%s"`, by, s.match), want)
		}
		for _, by := range []string{"ana", "ben"} {
			if got := look(by, `{"type":"match","pool":"verbs","match":"`+s.match+`","state":"active","matcher":"ana","matchee":"ben"}`); !be.isNow(got["since"]) || len(got) != 7 {
				t.Errorf("%s: got %v", by, got)
			}
		}
		s.b.send("end", `"match":"`+s.match+`","reason":"cancelled"`)
		for _, by := range []string{"ana", "ben"} {
			if got := look(by, `{"type":"match","state":"ended","matcher":"ana","matchee":"ben","reason":"cancelled"}`); !be.isNow(got["endedAt"]) || len(got) != 8 {
				t.Errorf("%s: got %v", by, got)
			}
		}
		s.a.send("match", `"radius":100,"lat":-60,"lng":0,"wait":60`) // its route has another request from now on
		if got := look("ana", `{"state":"ended","matcher":"ana","reason":"cancelled"}`); got["matchee"] != nil {
			t.Errorf("got %v", got)
		}
		be.advance(time.Minute)
		for _, by := range []string{"ana", "ben", "eve"} {
			look(by, `{"type":"error","code":"not_found","message":"there is no such match of this member, or it ended more than 60 s ago"}`)
		}

		s = be.newScene("verbs-lost")
		s.pair()
		be.direct.Do(t.Context(), be.direct.B().Del().Key("w3:route:{verbs-lost/ana}").Build())
		look("ben", `{"state":"ended","matcher":"ana","matchee":"ben","reason":"lost"}`)
	})
}

func TestABackEndMatchesTwoMembers(t *testing.T) {
	onEach(t, "", func(t *testing.T, be *backend) {
		create := func(s *scene, want, more string) map[string]any {
			t.Helper()
			return be.answers(be.askIn(s.pool, "match.create", `"matcher":"ana","matchee":"ben"%s`, more), want)
		}
		matched := `{"type":"match","state":"active","matcher":"ana","matchee":"ben"}`
		conflict := func(text string, retryable bool) string {
			return fmt.Sprintf(`{"type":"error","code":"conflict","message":%q,"retryable":%v}`, text, retryable)
		}
		notAvailable := conflict("the matchee is not available: it must be connected, available and in the role matchee, with a fresh location", false)

		s := be.newScene("verbs")
		create(s, notAvailable, "") // it has not reported yet
		s.b.at(s.far.Lat, s.far.Lng, `"available":false`)
		create(s, notAvailable, "")
		s.b.at(s.far.Lat, s.far.Lng, `"available":true`)
		for _, c := range []*client{s.a, s.b} {
			c.take()
		}
		id := create(s, matched, "")["match"].(string)
		hers, his := want[*protocol.Matched](s.a), want[*protocol.Matched](s.b)
		if hers.Match != id || hers.ID != "" || hers.Role != protocol.RoleMatcher || string(hers.Peer.Card) != `"ben"` || hers.Peer.Lat != s.far.Lat {
			t.Errorf("got %+v", hers)
		}
		if his.Match != id || his.ID != "" || his.Role != protocol.RoleMatchee || string(his.Peer.Card) != `"ana"` || math.Abs(his.Peer.Lat-s.p.Lat) > 1e-6 {
			t.Errorf("got %+v", his)
		}
		if line := "msg=verb verb=match.create pool=verbs matcher=ana matchee=ben match=" + id + " outcome=ok\n"; !strings.Contains(be.log.text(), line) {
			t.Errorf("the log has no line %s", line)
		}
		s.b.report(s.q.Lat, s.q.Lng) // it is a match like any other
		want[*protocol.LocationFrame](s.a)
		create(s, conflict("the matcher is in a match already", false), "")
		eve := be.joinIn(s.pool, "eve")
		eve.at(s.p.Lat, s.p.Lng)
		be.answers(be.askIn(s.pool, "match.create", `"matcher":"eve","matchee":"ben"`), conflict("the matchee is in a match already", false))
		be.answers(be.askIn(s.pool, "match.create", `"matcher":"eve","matchee":"ana"`), conflict("the matchee is in a match already", false))
		be.answers(be.askIn(s.pool, "match.create", `"matcher":"eve","matchee":"eve"`),
			`{"type":"error","code":"invalid_message","message":"matcher and matchee must be two members","retryable":false}`)
		if w := eve.hello(); w.Match != nil || w.Request != nil || len(eve.take()) != 0 {
			t.Errorf("the attempts left something behind: %s", eve.all())
		}
		s.match = id
		if err := s.endMatch(); err != nil {
			t.Error(err)
		}

		// Each end gives them a cool-down, which does not bind a back end. Nor does a budget.
		for range 15 {
			create(s, matched, "")
			be.askIn(s.pool, "match.end", `"member":"ana","match":"%s"`, want[*protocol.Matched](s.a).Match)
		}

		create(s, matched, `,"lat":10,"lng":20`)
		if his := want[*protocol.Matched](s.b); his.Peer.Lat != 10 || his.Peer.Lng != 20 {
			t.Errorf("got %+v", his)
		}
		s.a.disconnect()
		be.askIn(s.pool, "match.end", `"member":"ben","match":"%s"`, be.askIn(s.pool, "member.get", `"member":"ben"`)["match"].(map[string]any)["match"])
		create(s, conflict("the matcher is not connected", false), "")
		be.advance(2 * time.Minute)
		s.a = s.a.reconnect()
		s.b.at(s.q.Lat, s.q.Lng)
		create(s, conflict("the matcher has no fresh location: give lat and lng", false), "")
		s.a.send("match", `"lat":-60,"lng":0,"radius":100,"wait":60`)
		create(s, conflict("the matcher has a request of its own, which waits", false), "")
		s.a.send("cancel", "")
		s.b.disconnect()
		s.a.at(s.p.Lat, s.p.Lng)
		create(s, notAvailable, "")
	})
}

func TestABackEndCountsWhoIsAvailable(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		count := func(radius int, want string) {
			t.Helper()
			be.answers(be.ask("pool.counts", `"lat":37.7749,"lng":-122.4194,"radius":%d`, radius), want)
			be.advance(match.CountKept + time.Second)
		}
		count(3000, `{"type":"counts","pool":"default","available":0,"cells":[]}`)
		cell := func(lat float64) string { return string(geo.ShardCell(geo.Point{Lat: lat, Lng: -122.4194})) }
		report := func() {
			be.join("ana").at(37.7749, -122.4194)
			be.join("ben").at(37.775, -122.4194)
			be.join("eve").at(37.775, -122.4194, `"available":false`)
			be.join("zoe").at(37.92, -122.4194)             // in a cell that only the larger circle touches
			be.joinIn("taxi", "tom").at(37.7749, -122.4194) // in another pool
		}
		report()
		count(3000, `{"available":2,"cells":[{"cell":"`+cell(37.7749)+`","count":2}]}`)
		report()
		count(20000, `{"available":3,"cells":[{"cell":"`+cell(37.7749)+`","count":2},{"cell":"`+cell(37.92)+`","count":1}]}`)
		be.advance(2 * time.Minute)
		count(20000, `{"available":0}`)
		if log := be.log.text(); !strings.Contains(log, "msg=verb verb=pool.counts pool=default outcome=ok\n") || strings.Contains(log, "37.77") {
			t.Error("the log has no line, or a position")
		}
	})
}

// Whatever a client sends, and by whichever route, it is a message and no verb.
func TestAClientReachesNoVerb(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, eve := be.join("ana"), be.join("eve")
		verb := `"verb":"member.disconnect","pool":"default","member":"ana"`
		for _, body := range []string{`{` + verb + `}`, `{"action":"match",` + verb + `}`, `{` + verb + `,"action":"cancel"}`, `"{` + strings.ReplaceAll(verb, `"`, `\"`) + `}"`,
			`{"requestContext":{},` + verb + `}`, `}` + verb, `","routeKey":"",` + verb + `,"x":"`} {
			for _, route := range []string{"match", "cancel", "end", "$default", "$connect", "$disconnect", "hello"} {
				e := eve.event(route, body)
				e.QueryStringParameters = map[string]string{"verb": "member.disconnect", "pool": "default", "member": "ana"}
				e.Headers = map[string]string{"verb": "member.disconnect"}
				payload, err := json.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				got, err := be.app.Invoke(t.Context(), payload)
				var answer map[string]any
				if err != nil || json.Unmarshal(got, &answer) != nil || answer["statusCode"] == nil {
					t.Errorf("%s, %s: got %s, %v", route, body, got, err)
				}
			}
		}
		if be.closed[ana.connection] || strings.Contains(be.log.text(), "msg=verb") {
			t.Errorf("a client has reached a verb: %s", be.log.text())
		}
		be.ask("member.disconnect", `"member":"ana"`)
		if !be.closed[ana.connection] {
			t.Error("a back end does not reach it, so this shows nothing")
		}
	})
}
