package protocol_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/protocol"
)

// messages are the golden messages of a client: what each file decodes to.
func messages() map[string]protocol.Message {
	return map[string]protocol.Message{
		"hello":          &protocol.Hello{ID: "h1"},
		"ping":           &protocol.Ping{},
		"location-short": &protocol.Location{Lat: 37.7749, Lng: -122.4194},
		"location": &protocol.Location{
			ID: "l7", Lat: 37.7764, Lng: -122.4172, At: new(int64(1795396500000)), Seq: 7,
			Motion:    protocol.Motion{Accuracy: new(8.0), Heading: new(271.5), Speed: new(6.2)},
			Available: new(true), Tags: &[]string{"bike", "xl"},
		},
		"location-unavailable": &protocol.Location{
			Lat: 37.7764, Lng: -122.4172, At: new(int64(1795396510000)), Available: new(false), Tags: &[]string{},
		},
		"location-points": &protocol.Location{
			ID: "l9", Lat: 37.7768, Lng: -122.4177, At: new(int64(1795396515000)), Seq: 9, Motion: protocol.Motion{Accuracy: new(8.0)},
			Points: []protocol.Fix{
				{Lat: 37.7764, Lng: -122.4172, At: 1795396505000, Seq: 7, Motion: protocol.Motion{Accuracy: new(8.0)}},
				{Lat: 37.7766, Lng: -122.4175, At: 1795396510000, Seq: 8, Motion: protocol.Motion{Accuracy: new(9.5)}},
				{Lat: 37.7768, Lng: -122.4177, At: 1795396515000, Seq: 9, Motion: protocol.Motion{Accuracy: new(8.0)}},
			},
		},
		"location-unknown": &protocol.Location{Lat: 37.7764, Lng: -122.4172},
		"locate":           &protocol.Locate{ID: "w1"},
		"match-nearest":    &protocol.Match{ID: "r1"},
		"match": &protocol.Match{
			ID: "r1", Radius: 2000, Point: &protocol.Point{Lat: 37.7793, Lng: -122.4193}, Tags: []string{"xl"}, Wait: 60,
		},
		"match-avoid":    &protocol.Match{ID: "r2", Wait: 60, Avoid: []string{"5d2f8c01b7e94a36"}},
		"match-widening": &protocol.Match{ID: "r1", Radius: 1000, Wait: 60, WidenTo: 5000, WidenSeconds: 40},
		"match-share":    &protocol.Match{ID: "r1", Share: true},
		"match-confirm":  &protocol.Match{ID: "r1", Wait: 60, Confirm: 15},
		"accept":         &protocol.Accept{ID: "a1", Match: matchID},
		"decline":        &protocol.Decline{ID: "a1", Match: matchID},
		"cancel":         &protocol.Cancel{ID: "c1"},
		"cancel-request": &protocol.Cancel{ID: "c1", Request: "r1"},
		"end":            &protocol.End{ID: "e1", Match: matchID, Reason: protocol.ReasonCompleted},
		"end-cancelled":  &protocol.End{ID: "e1", Match: matchID, Reason: protocol.ReasonCancelled},
		"nearby":         &protocol.Nearby{ID: "n1"},
		"say":            &protocol.Say{ID: "s1", Match: matchID, Data: json.RawMessage(`{"text":"I am at the corner."}`)},
	}
}

const matchID = "5d2f8c01b7e94a36"

// frames are the golden frames of the server.
func frames() map[string]protocol.Frame {
	card := json.RawMessage(`{"name":"Bob","plate":"8ABC123"}`)
	idle := protocol.Report{AfterSeconds: 30, MoveMeters: 50}
	watching := protocol.Report{AfterSeconds: 20, MoveMeters: 1000}
	away := protocol.Report{AfterSeconds: 300, MoveMeters: 1000}
	watched := protocol.Report{AfterSeconds: 3, MoveMeters: 15}
	return map[string]protocol.Frame{
		"welcome": &protocol.Welcome{
			ID: "h1", Member: "ana", Pool: "default", Protocol: protocol.Version,
			Now: 1795396500000, ExpiresAt: 1795403700000, Report: idle,
			Available: true, Tags: []string{"bike", "xl"}, Server: "v1.2.0",
		},
		"welcome-match": &protocol.Welcome{
			ID: "h1", Member: "ana", Pool: "default", Protocol: protocol.Version,
			Now: 1795396530000, ExpiresAt: 1795403730000, Report: watching,
			Available: true, Tags: []string{"bike", "xl"}, Server: "v1.2.0",
			Match: &protocol.WelcomeMatch{
				Match: matchID, Role: protocol.RoleMatcher, State: "active",
				Peer: protocol.Peer{Lat: 37.7771, Lng: -122.4181, At: 1795396527000, Distance: 266.2, Card: card},
			},
		},
		"welcome-away": &protocol.Welcome{
			ID: "h1", Member: "bob", Pool: "default", Protocol: protocol.Version,
			Now: 1795396540000, ExpiresAt: 1795403740000, Report: watched,
			Available: true, Tags: []string{"bike", "xl"}, Server: "v1.2.0",
			Match: &protocol.WelcomeMatch{
				Match: matchID, Role: protocol.RoleMatchee, State: "active",
				Peer:     protocol.Peer{Lat: 37.7793, Lng: -122.4193, At: 1795396501000, Distance: 371.5, Card: json.RawMessage(`{"name":"Ana"}`)},
				Presence: &protocol.PeerPresence{State: protocol.PeerAway, Since: 1795396531000},
			},
		},
		"welcome-request": &protocol.Welcome{
			ID: "h1", Member: "ana", Pool: "default", Protocol: protocol.Version,
			Now: 1795396505000, ExpiresAt: 1795403705000, Report: idle,
			Available: true, Tags: []string{"bike", "xl"}, Server: "v1.2.0",
			Request: &protocol.WelcomeRequest{ID: "r1", Radius: 2000, ExpiresAt: 1795396561000},
		},
		"welcome-offer": &protocol.Welcome{
			ID: "h1", Member: "bob", Pool: "default", Protocol: protocol.Version,
			Now: 1795396505000, ExpiresAt: 1795403705000, Report: idle,
			Available: true, Tags: []string{"bike", "xl"}, Server: "v1.2.0",
			Offer: &protocol.WelcomeOffer{Match: matchID, Role: protocol.RoleMatchee, ExpiresAt: 1795396516000, Distance: 500},
		},
		"welcome-lost": &protocol.Welcome{
			Member: "ana", Pool: "default", Protocol: protocol.Version,
			Now: 1795396540000, ExpiresAt: 1795403700000, Report: idle,
			Available: true, Tags: []string{}, Server: "v1.2.0",
		},
		"pong":       &protocol.Pong{Now: 1795396500000},
		"ack":        &protocol.Ack{ID: "l7", Report: idle},
		"ack-points": &protocol.Ack{ID: "l9", Report: idle, Taken: new(3)},
		"ack-jump":   &protocol.Ack{ID: "l8", Report: idle, Position: protocol.PositionJump},
		"ack-late":   &protocol.Ack{ID: "l9", Report: idle, Position: protocol.PositionLate},
		"ack-choice": &protocol.Ack{Report: away, Position: protocol.PositionStale, Now: 1795396500000},
		"ack-stands": &protocol.Ack{Report: away, Available: new(false), Tags: &[]string{"xl"}},
		"ack-clock":  &protocol.Ack{Report: protocol.Report{AfterSeconds: 10, MoveMeters: 50}, Now: 1795396500000},
		"ack-advice": &protocol.Ack{Report: watched},
		"ack-unlisted": &protocol.Ack{Report: protocol.Report{AfterSeconds: 300, MoveMeters: 1000},
			Unlisted: &protocol.Unlisted{Until: 1795397100000, Reason: protocol.ReasonEndedEarly}},
		"waiting":         &protocol.Waiting{ID: "r1", ExpiresAt: 1795396561000},
		"waiting-request": &protocol.Waiting{ID: "r2", Request: "r1", ExpiresAt: 1795396561000},
		"no_match":        &protocol.NoMatch{ID: "r1", Radius: 2000},
		"offered":         &protocol.Offered{ID: "r1", Match: matchID, Role: protocol.RoleMatcher, ExpiresAt: 1795396516000, Distance: 500},
		"offered-matchee": &protocol.Offered{Match: matchID, Role: protocol.RoleMatchee, ExpiresAt: 1795396516000, Distance: 500},
		"matched": &protocol.Matched{
			ID: "r1", Match: matchID, Role: protocol.RoleMatcher, Report: watching,
			Peer: protocol.Peer{Lat: 37.7764, Lng: -122.4172, At: 1795396500000, Distance: 371.5, Card: card},
		},
		"matched-matchee": &protocol.Matched{
			Match: matchID, Role: protocol.RoleMatchee, Report: watched,
			Peer: protocol.Peer{
				Lat: 37.7793, Lng: -122.4193, At: 1795396501000, Distance: 371.5, Card: json.RawMessage(`{"name":"Ana"}`),
			},
		},
		"peer-location": &protocol.LocationFrame{
			Match: matchID, Lat: 37.7768, Lng: -122.4177, At: 1795396515000, Seq: 9,
			Motion: protocol.Motion{Accuracy: new(8.0), Heading: new(318.0), Speed: new(6.2)},
		},
		"peer-location-points": &protocol.LocationFrame{
			Match: matchID, Lat: 37.7768, Lng: -122.4177, At: 1795396515000, Seq: 9, Motion: protocol.Motion{Accuracy: new(8.0)},
			Points: []protocol.Fix{
				{Lat: 37.7764, Lng: -122.4172, At: 1795396505000, Seq: 7, Motion: protocol.Motion{Accuracy: new(8.0)}},
				{Lat: 37.7766, Lng: -122.4175, At: 1795396510000, Seq: 8, Motion: protocol.Motion{Accuracy: new(9.5)}},
			},
		},
		"peer-location-answer": &protocol.LocationFrame{
			ID: "w1", Match: matchID, Lat: 37.7768, Lng: -122.4177, At: 1795396515000, Seq: 9,
		},
		"ended":          &protocol.Ended{ID: "e1", Match: matchID, Reason: protocol.ReasonCompleted},
		"ended-lost":     &protocol.Ended{ID: "r1", Match: matchID, Reason: protocol.ReasonLost},
		"ended-declined": &protocol.Ended{Match: matchID, Reason: protocol.ReasonDeclined},
		"peer-away":      &protocol.PeerFrame{Match: matchID, PeerPresence: protocol.PeerPresence{State: protocol.PeerAway, Since: 1795396531000}},
		"peer-back":      &protocol.PeerFrame{Match: matchID, PeerPresence: protocol.PeerPresence{State: protocol.PeerBack, Since: 1795396560000}},
		"ended-left":     &protocol.Ended{Match: matchID, Reason: protocol.ReasonLeft},
		"ended-expired":  &protocol.Ended{Match: matchID, Reason: protocol.ReasonExpired},
		"ended-matchee":  &protocol.Ended{Match: matchID, Reason: protocol.ReasonCompleted},
		"ended-unlisted": &protocol.Ended{ID: "e1", Match: matchID, Reason: protocol.ReasonCancelled,
			Unlisted: &protocol.Unlisted{Until: 1795397100000, Reason: protocol.ReasonEndedEarly}},
		"ended-request": &protocol.Ended{ID: "c1", Reason: protocol.ReasonCancelled},
		"nearby-answer": &protocol.NearbyFrame{ID: "n1", Cells: []protocol.CellCount{{Cell: "86283080fffffff", Count: 3}, {Cell: "862830877ffffff", Count: 17}}},
		"nearby-nobody": &protocol.NearbyFrame{Cells: []protocol.CellCount{}},
		"said":          &protocol.Said{Match: matchID, Data: json.RawMessage(`{"text":"I am at the corner."}`)},
		"said-answer":   &protocol.Said{ID: "s1", Match: matchID},
		"error":         refusal(protocol.ActionLocation, `{"action":"location","id":"l8","lat":95,"lng":0}`),
		"error-unknown-action": refusal("$default",
			`{"action":"dance","id":"d1"}`),
		"error-too-large": refusal(protocol.ActionPing,
			`{"action":"ping","padding":"`+strings.Repeat("x", protocol.MaxMessageBytes)+`"}`),
		"error-stale": &protocol.Error{
			ID: "l9", Code: protocol.CodeStale, Message: "at is older than 60 seconds: set your clock by now", Now: 1795396500000,
		},
		"error-rate-limited": &protocol.Error{
			ID: "l10", Code: protocol.CodeRateLimited, Retryable: true, RetryAfter: 0.2,
			Message: "at most 5 locations a second in this pool, and 40 at once: report as advised",
		},
		"error-kept-out": &protocol.Error{
			ID: "l31", Code: protocol.CodeRateLimited, Retryable: true, RetryAfter: 30,
			Message: "too many messages were refused: connect again in 30 seconds",
		},
		"error-unreachable": &protocol.Error{
			ID: "s1", Code: protocol.CodeConflict, Retryable: true, Message: "the peer cannot be reached now: it may not have got this",
		},
		"error-expired":  protocol.NewError(protocol.CodeUnauthenticated, "", "the session has expired: connect with a fresh token"),
		"error-replaced": protocol.NewError(protocol.CodeReplaced, "", "a newer connection of this member has taken over"),
	}
}

// refusal is what Decode makes of a message that it must not accept.
func refusal(action, body string) protocol.Frame {
	_, refused := protocol.Decode(action, []byte(body))
	return refused
}

// golden reads testdata, by name without ".json", white space taken out.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	texts := make(map[string][]byte)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		texts[strings.TrimSuffix(filepath.Base(path), ".json")] = compact.Bytes()
	}
	return texts
}

func TestGoldenMessages(t *testing.T) {
	texts := golden(t)
	for name, want := range messages() {
		t.Run(name, func(t *testing.T) {
			got, refused := protocol.Decode(action(t, texts[name]), texts[name])
			if refused != nil {
				t.Fatalf("refused: %+v", refused)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGoldenFrames(t *testing.T) {
	texts := golden(t)
	for name, want := range frames() {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(string(texts[name]), string(protocol.Encode(want))); diff != "" {
				t.Errorf("encoded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGoldenFilesAreAllTested(t *testing.T) {
	ms, fs := messages(), frames()
	for name := range golden(t) {
		if ms[name] == nil && fs[name] == nil && name != "gateway-error" { // API Gateway's own
			t.Errorf("testdata/%s.json is in neither table of golden_test.go", name)
		}
	}
}

// action is the route that a gateway would choose for the message.
func action(t testing.TB, text []byte) string {
	t.Helper()
	var m map[string]json.RawMessage // a struct's keys would match in any case
	var name string
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if err := json.Unmarshal(m["action"], &name); err != nil {
		return "$default"
	}
	return name
}

func object(t testing.TB, text []byte) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return object
}
