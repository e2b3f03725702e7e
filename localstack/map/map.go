// Package livemap shows what passes through the gateway: members where they last
// said they are, and who is matched with whom. It sees frames only, so it is the
// same whatever the cache is.
package livemap

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"waggle/internal/protocol"
	"waggle/localstack/apigateway"
)

//go:embed page.html
var page []byte

// forget is how long a silent member is shown.
const forget = 2 * time.Minute

// Map is what is known from the frames so far.
type Map struct {
	mu      sync.Mutex
	members map[who]*member
	matches map[string]*couple
}

type who struct{ pool, member string }

type member struct {
	Pool    string    `json:"pool"`
	Member  string    `json:"member"`
	Lat     float64   `json:"lat"`
	Lng     float64   `json:"lng"`
	Waiting bool      `json:"waiting"`
	Match   string    `json:"match,omitempty"`
	seen    time.Time // of its last location
}

type couple struct{ matcher, matchee who }

// New returns an empty map.
func New() *Map {
	return &Map{members: make(map[who]*member), matches: make(map[string]*couple)}
}

// Observe takes in one frame.
func (m *Map) Observe(f apigateway.Frame) {
	w := who{f.Authorizer["pool"], f.Authorizer["member"]}
	if f.Direction == apigateway.In {
		var body struct {
			Action string `json:"action"`
		}
		if json.Unmarshal(f.Payload, &body) != nil || body.Action != protocol.ActionLocation {
			return
		}
		decoded, bad := protocol.Decode(protocol.ActionLocation, f.Payload)
		if bad != nil {
			return
		}
		l := decoded.(*protocol.Location)
		m.mu.Lock()
		defer m.mu.Unlock()
		at := m.member(w)
		at.Lat, at.Lng, at.seen = l.Lat, l.Lng, f.Time
		return
	}
	frame, err := protocol.DecodeFrame(f.Payload)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch frame := frame.(type) {
	case *protocol.Matched:
		m.matched(w, frame)
	case *protocol.Waiting:
		m.member(w).Waiting = true
	case *protocol.NoMatch:
		m.member(w).Waiting = false
	case *protocol.Ended:
		m.ended(w, frame.Match)
	}
}

func (m *Map) member(w who) *member {
	at := m.members[w]
	if at == nil {
		at = &member{Pool: w.pool, Member: w.member}
		m.members[w] = at
	}
	return at
}

func (m *Map) matched(w who, f *protocol.Matched) {
	at := m.member(w)
	at.Waiting, at.Match = false, f.Match
	c := m.matches[f.Match]
	if c == nil {
		c = new(couple)
		m.matches[f.Match] = c
	}
	if f.Role == protocol.RoleMatchee {
		c.matchee = w
		return
	}
	c.matcher = w
	if at.seen.IsZero() {
		// It never reported: it is where it asked for, as near as is known.
		at.Lat, at.Lng, at.seen = f.Peer.Lat, f.Peer.Lng, time.Now()
	}
}

func (m *Map) ended(w who, match string) {
	at := m.member(w)
	at.Waiting = false
	if at.Match == match {
		at.Match = ""
	}
	delete(m.matches, match)
}

// snapshot is what the feed sends.
type snapshot struct {
	Members []*member   `json:"members"`
	Matches [][2]string `json:"matches"` // pool/member of matcher and matchee
}

// Feed serves the map as JSON.
func (m *Map) Feed() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.mu.Lock()
		s := snapshot{Members: []*member{}, Matches: [][2]string{}}
		for key, at := range m.members {
			if time.Since(at.seen) > forget && at.Match == "" {
				delete(m.members, key)
				continue
			}
			s.Members = append(s.Members, at)
		}
		for _, c := range m.matches {
			s.Matches = append(s.Matches, [2]string{c.matcher.pool + "/" + c.matcher.member, c.matchee.pool + "/" + c.matchee.member})
		}
		text, err := json.Marshal(s)
		m.mu.Unlock()
		if err != nil {
			http.Error(w, "the map cannot be written", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(text)
	})
}

// Page serves the page that shows the feed.
func (m *Map) Page() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'")
		_, _ = w.Write(page)
	})
}
