package invariants_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/test/kit/caches"
)

// A way leads the member ana into a state, and returns the id of its match or offer, or "". ben is
// another member who stands beside her, without the tag xl.
type way func(ana, ben *client) string

// The states of a member as its client sees them, in the order of the table.
var states = []struct {
	name, welcome string
	ways          []way
}{
	{"idle", "none of the three", []way{func(_, _ *client) string { return "" }}},
	{"waiting", "`request`", []way{func(ana, _ *client) string { return waits(ana, "") }}},
	{"asking", "`offer` with the role `matcher`", []way{
		func(ana, _ *client) string { return offers(ana, "") },
		func(ana, _ *client) string { return offers(ana, `,"wait":60`) },
	}},
	{"asked", "`offer` with the role `matchee`", []way{
		func(_, ben *client) string { return offers(ben, "") },
		func(ana, ben *client) string { return waits(ana, "") + offers(ben, "") },
	}},
	{"matcher", "`match` with the role `matcher`", []way{
		func(ana, _ *client) string { return finds(ana) },
		func(ana, ben *client) string { return accepts(ben, offers(ana, "")) },
	}},
	{"matchee", "`match` with the role `matchee`", []way{
		func(ana, ben *client) string { return accepts(ana, offers(ben, "")) },
		func(_, ben *client) string { return finds(ben) },
		func(ana, ben *client) string { return waits(ana, "") + finds(ben) },
	}},
	{"just ended", "none of the three", []way{
		func(ana, _ *client) string { return ends(ana, finds(ana)) },
		func(ana, ben *client) string { return ends(ben, finds(ana)) },
		func(ana, ben *client) string { return ends(ana, finds(ben)) },
		func(ana, ben *client) string { return ends(ben, accepts(ana, offers(ben, ""))) },
		func(ana, ben *client) string {
			match := offers(ben, "")
			declines(nil, ana, match)
			return match
		},
	}},
}

func waits(c *client, fields string) string {
	c.send("match", `"id":"r1","wait":60,"tags":["xl"]`+fields)
	want[*protocol.Waiting](c)
	return ""
}

func offers(c *client, fields string) string {
	c.send("match", `"id":"r1","confirm":15`+fields)
	return want[*protocol.Offered](c).Match
}

func finds(c *client) string {
	c.send("match", `"id":"r1"`)
	return want[*protocol.Matched](c).Match
}

func accepts(c *client, match string) string {
	c.send("accept", `"match":"`+match+`"`)
	return want[*protocol.Matched](c).Match
}

func ends(c *client, match string) string {
	c.send("end", `"match":"`+match+`"`)
	return want[*protocol.Ended](c).Match
}

// What answers each message in each state, and the state that follows if it is another one. The
// fields have %s for the id of the match.
var answers = []struct {
	action, more, fields string
	cells                []string // in the order of the states
}{
	{"hello", "", "", everywhere("`welcome`")},
	{"ping", "", "", everywhere("`pong`")},
	{"location", "", `,"lat":37.7749,"lng":-122.4194,"seq":1000`, everywhere("`ack`")},
	{"locate", "", "", []string{"`not_found`", "`not_found`", "`not_found`", "`not_found`", "`location`", "`location`", "`not_found`"}},
	{"match", ", somebody is near", "", asks("`matched` → matcher")},
	{"match", ", nobody is near", `,"tags":["xl"]`, asks("`no_match`")},
	{"match", " with `wait`, nobody is near", `,"wait":60,"tags":["xl"]`, asks("`waiting` → waiting")},
	{"match", " with `confirm`, somebody is near", `,"confirm":15`, asks("`offered` → asking")},
	{"accept", "", `,"match":"%s"`, []string{"`not_found`", "`not_found`", "`not_found`", "`matched` → matchee", "`not_found`", "`matched` or `not_found`", "`ended`"}},
	{"decline", "", `,"match":"%s"`, []string{"`not_found`", "`not_found`", "`not_found`", "`ended` → idle or `ended` → waiting", "`not_found`", "`conflict` or `not_found`", "`ended`"}},
	{"cancel", "", "", []string{"`not_found`", "`ended` → idle", "`ended` → idle", "`not_found` or `ended`", "`conflict`", "`conflict`", "`not_found`"}},
	{"end", "", `,"match":"%s"`, []string{"`not_found`", "`not_found`", "`not_found`", "`not_found`", "`ended` → idle", "`ended` → idle", "`ended`"}},
	{"say", "", `,"match":"%s","data":1`, []string{"`not_found`", "`not_found`", "`not_found`", "`not_found`", "`said`", "`said`", "`not_found`"}},
	{"nearby", "", "", everywhere("`nearby`")},
}

func everywhere(answer string) []string { return slices.Repeat([]string{answer}, len(states)) }

// asks are the answers to a match: only a member without a request, an offer or a match makes one.
func asks(made string) []string {
	return []string{made, "`waiting`", "`offered`", "`conflict` or `waiting`", "`matched`", "`matched`", made}
}

// What comes without a message of the member, and the state that follows.
var unasked = []struct {
	state, what string
	way         way
	event       func(ana, ben *client, match string)
	cell        string
}{
	{"idle", "another member's `match` finds you", nothing, func(_, ben *client, _ string) { finds(ben) }, "`matched` → matchee"},
	{"idle", "another member's `match` with `confirm` finds you", nothing, func(_, ben *client, _ string) { offers(ben, "") }, "`offered` → asked"},
	{"waiting", "somebody comes near", waitsOn, comes, "`matched` → matcher"},
	{"waiting", "somebody comes near, and the request has `confirm`", func(ana, _ *client) string { return waits(ana, `,"confirm":15`) }, comes, "`offered` → asking"},
	{"waiting", "another member's `match` finds you", waitsOn, func(_, ben *client, _ string) { finds(ben) }, "`matched` → matchee"},
	{"waiting", "another member's `match` with `confirm` finds you", waitsOn, func(_, ben *client, _ string) { offers(ben, "") }, "`offered` → asked"},
	{"waiting", "`expiresAt` passes", waitsOn, passes(time.Minute), "`no_match` → idle"},
	{"asking", "the matchee accepts", asksBen, func(_, ben *client, match string) { accepts(ben, match) }, "`matched` → matcher"},
	{"asking", "the matchee declines, and another member is near", asksBen, func(ana, ben *client, match string) {
		ana.join("cem").at(lat, lng)
		declines(ana, ben, match)
	}, "`ended`, `offered`"},
	{"asking", "the matchee declines, and nobody else is near", asksBen, declines, "`ended`, `no_match` → idle"},
	{"asking", "the matchee declines, and the request has `wait`", func(ana, _ *client) string { return offers(ana, `,"wait":60`) }, declines, "`ended` → waiting"},
	{"asking", "`expiresAt` passes, and nobody else is near", asksBen, passes(15 * time.Second), "`ended`, `no_match` → idle"},
	{"asked", "the matcher cancels", benAsks, cancels, "`ended` → idle"},
	{"asked", "the matcher cancels, while your own request waits", func(ana, ben *client) string { return waits(ana, "") + offers(ben, "") }, cancels, "`ended` → waiting"},
	{"asked", "`expiresAt` passes", benAsks, passes(15 * time.Second), "`ended` → idle"},
	{"matcher", "the matchee ends the match", func(ana, _ *client) string { return finds(ana) }, func(_, ben *client, match string) { ends(ben, match) }, "`ended` → idle"},
	{"matchee", "the matcher ends the match", func(_, ben *client) string { return finds(ben) }, func(_, ben *client, match string) { ends(ben, match) }, "`ended` → idle"},
	{"matcher", "the matchee goes away", anaFinds, goesAway, "`peer`"},
	{"matcher", "the matchee comes back", without(anaFinds), comesBack, "`peer`"},
	{"matcher", "the matchee stays away beyond the grace time", without(anaFinds), staysAway, "`ended` → idle"},
	{"matchee", "the matcher goes away", benFinds, goesAway, "`peer`"},
	{"matchee", "the matcher comes back", without(benFinds), comesBack, "`peer`"},
	{"matchee", "the matcher stays away beyond the grace time", without(benFinds), staysAway, "`ended` → idle"},
}

func nothing(_, _ *client) string           { return "" }
func waitsOn(ana, _ *client) string         { return waits(ana, "") }
func asksBen(ana, _ *client) string         { return offers(ana, "") }
func benAsks(_, ben *client) string         { return offers(ben, "") }
func comes(ana, _ *client, _ string)        { ana.join("cem").at(lat, lng, `"tags":["xl"]`) }
func declines(_, ben *client, match string) { ben.send("decline", `"match":"`+match+`"`) }
func cancels(_, ben *client, _ string)      { ben.send("cancel", "") }
func anaFinds(ana, _ *client) string        { return finds(ana) }
func benFinds(_, ben *client) string        { return finds(ben) }
func goesAway(_, ben *client, _ string)     { ben.disconnect() }
func comesBack(_, ben *client, _ string)    { ben.reconnect().send("hello", "") }
func staysAway(ana, ben *client, match string) {
	passes(31*time.Second)(ana, ben, match)
	ana.take()
	passes(30*time.Second)(ana, ben, match)
}

// without leads into a state whose peer is away then.
func without(into way) way {
	return func(ana, ben *client) string {
		match := into(ana, ben)
		ben.disconnect()
		return match
	}
}
func passes(d time.Duration) func(ana, _ *client, _ string) {
	return func(ana, _ *client, _ string) {
		ana.advance(d)
		ana.send("ping", "")
	}
}

// A walk tries pairs of a state and a message or an event, and notes the changes of state that it sees.
type walk struct {
	*backend
	arrows map[string]bool // the lines of the diagram
}

// from leads a new ana into a state.
func (w *walk) from(into way) (ana, ben *client, match string) {
	w.t.Helper()
	w.flush()
	ana, ben = w.join("ana"), w.join("ben")
	ana.at(lat, lng)
	ben.at(lat, lng)
	match = into(ana, ben)
	ana.take()
	return ana, ben, match
}

// result returns what the member was sent, and the state that follows if it is another one.
func (w *walk) result(c *client, state string) string {
	var got []string
	frames := c.take()
	for _, f := range frames {
		if _, pong := f.(*protocol.Pong); pong && len(frames) > 1 {
			continue // the ping of passes
		}
		name := regexp.MustCompile(`"type":"(\w+)"`).FindStringSubmatch(string(protocol.Encode(f)))[1]
		if e, refused := f.(*protocol.Error); refused {
			name = string(e.Code)
			if e.Retryable {
				name += " retryable"
			}
		}
		got = append(got, "`"+name+"`")
	}
	text := strings.Join(got, ", ")
	if state == "just ended" {
		state = "idle" // a client sees no difference
	}
	if next := stateOf(c); next != state {
		w.arrows["    "+state+" --> "+next+": "+strings.ReplaceAll(text, "`", "")] = true
		text += " → " + next
	}
	return text
}

// stateOf is the state that a member's welcome shows.
func stateOf(c *client) string {
	switch w := c.hello(); {
	case w.Match != nil:
		return w.Match.Role
	case w.Offer != nil && w.Offer.Role == protocol.RoleMatcher:
		return "asking"
	case w.Offer != nil:
		return "asked"
	case w.Request != nil:
		return "waiting"
	}
	return "idle"
}

// TestEveryMessageInEveryState tries every pair of a state and a message, and every event, and holds
// the tables and the diagram of docs/protocol.md to what it sees.
func TestEveryMessageInEveryState(t *testing.T) {
	w := &walk{newBackend(t, caches.Embedded(t), unlimited), make(map[string]bool)}
	_, refusal := protocol.Decode("", []byte(`{}`))
	_, actions, _ := strings.Cut(refusal.Message, "one of ")
	rows := make(map[string]bool)
	byState, byMessage, byEvent := "| state | `welcome` has |\n|---|---|\n", "| message |", "| state | what happens | you get, and the state that follows |\n|---|---|---|\n"
	for _, s := range states {
		byState += "| " + s.name + " | " + s.welcome + " |\n"
		byMessage += " " + s.name + " |"
	}
	byMessage += "\n|" + strings.Repeat("---|", len(states)+1) + "\n"
	for _, m := range answers {
		rows[m.action] = true
		byMessage += "| `" + m.action + "`" + m.more + " | " + strings.Join(m.cells, " | ") + " |\n"
		for i, s := range states {
			var got []string
			for _, into := range s.ways {
				ana, _, match := w.from(into)
				fields := `"id":"i"` + m.fields
				if strings.Contains(fields, "%s") {
					ana.send(m.action, fmt.Sprintf(fields, "other"))
					if r := w.result(ana, s.name); r != "`not_found`" {
						t.Errorf("%s of another match, %s: got %s, want `not_found`", m.action, s.name, r)
					}
					fields = fmt.Sprintf(fields, match+strings.Repeat("other", 1-min(1, len(match))))
				}
				ana.send(m.action, fields)
				if r := w.result(ana, s.name); !slices.Contains(got, r) {
					got = append(got, r)
				}
			}
			if r := strings.Join(got, " or "); r != m.cells[i] {
				t.Errorf("%s%s, %s: got %s, want %s", m.action, m.more, s.name, r, m.cells[i])
			}
		}
	}
	for action := range strings.SplitSeq(actions, ", ") {
		if !rows[action] {
			t.Errorf("the action %s has no row: add one to answers", action)
		}
	}
	for _, e := range unasked {
		byEvent += "| " + e.state + " | " + e.what + " | " + e.cell + " |\n"
		ana, ben, match := w.from(e.way)
		e.event(ana, ben, match)
		if r := w.result(ana, e.state); r != e.cell {
			t.Errorf("%s, %s: got %s, want %s", e.state, e.what, r, e.cell)
		}
	}
	if t.Failed() {
		return
	}

	diagram := "```mermaid\nstateDiagram-v2\n    [*] --> idle\n"
	for _, s := range states {
		var lines []string
		for arrow := range w.arrows {
			if strings.HasPrefix(arrow, "    "+s.name+" ") {
				lines = append(lines, arrow+"\n")
			}
		}
		slices.Sort(lines)
		diagram += strings.Join(lines, "")
	}
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []string{byState, diagram + "```\n", byMessage, byEvent} {
		if !strings.Contains(string(page), "\n\n"+block+"\n") {
			t.Errorf("docs/protocol.md differs from what the system does. Under \"States of a member\" it must have:\n%s", block)
		}
	}
}
