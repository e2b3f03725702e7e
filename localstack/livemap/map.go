// Package livemap shows what passes through the gateway: members where they last
// said they are, and who is matched with whom. It sees frames only, so it is the
// same whatever the cache is.
package livemap

import (
	"embed"
	"encoding/json"
	"io/fs"
	"math"
	"net/http"
	"sync"
	"time"

	"waggle/internal/protocol"
	"waggle/localstack/apigateway"
)

//go:embed page
var files embed.FS

// policy lets the page have what this server has, and nothing else.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// forget is how long a silent member is shown. One in a match is never so
// silent: it has to show that it is alive.
const forget = 2 * time.Minute

// Map is what is known from the frames so far.
type Map struct {
	mu      sync.Mutex
	members map[who]*member
}

type who struct{ pool, member string }

type member struct {
	Pool    string  `json:"pool"`
	Member  string  `json:"member"`
	Lat     float64 `json:"lat"`
	Lng     float64 `json:"lng"`
	Waiting bool    `json:"waiting"`
	Match   string  `json:"match,omitempty"`

	matcher          bool // of Match
	reported, placed bool // it has said where it is; or where it wants somebody
	heard            time.Time
}

// New returns an empty map.
func New() *Map {
	return &Map{members: make(map[who]*member)}
}

// Observe takes in one frame.
func (m *Map) Observe(f apigateway.Frame) {
	w := who{f.Authorizer["pool"], f.Authorizer["member"]}
	if f.Direction == apigateway.In {
		m.said(w, f)
		return
	}
	if frame, err := protocol.DecodeFrame(f.Payload); err == nil {
		m.told(w, frame, f.Time)
	}
}

// said takes in what a member sent.
func (m *Map) said(w who, f apigateway.Frame) {
	var body struct {
		Action string `json:"action"`
	}
	if json.Unmarshal(f.Payload, &body) != nil {
		return
	}
	message, bad := protocol.Decode(body.Action, f.Payload)
	if bad != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.member(w, f.Time)
	at.heard = f.Time
	switch message := message.(type) {
	case *protocol.Location:
		at.Lat, at.Lng, at.reported = shown(message.Lat), shown(message.Lng), true
	case *protocol.Match:
		// Who never reports is where it asked for.
		if p := message.Point; p != nil && !at.reported {
			at.Lat, at.Lng, at.placed = shown(p.Lat), shown(p.Lng), true
		}
	}
}

// shown is as much of a coordinate as can be seen: 11 cm. The feed of a full
// city is a third shorter for it.
func shown(degrees float64) float64 { return math.Round(degrees*1e6) / 1e6 }

// told takes in what a member was sent.
func (m *Map) told(w who, frame protocol.Frame, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.member(w, now)
	switch frame := frame.(type) {
	case *protocol.Welcome: // the whole word on what is under way
		at.Waiting, at.Match = frame.Request != nil, ""
		if frame.Match != nil {
			at.Match, at.matcher = frame.Match.Match, frame.Match.Role == protocol.RoleMatcher
		}
	case *protocol.Matched:
		at.Waiting, at.Match, at.matcher = false, frame.Match, frame.Role == protocol.RoleMatcher
	case *protocol.Waiting:
		at.Waiting = true
	case *protocol.NoMatch:
		at.Waiting = false
	case *protocol.Ended:
		at.Waiting = false
		if at.Match == frame.Match {
			at.Match = ""
		}
	}
}

func (m *Map) member(w who, now time.Time) *member {
	at := m.members[w]
	if at == nil {
		at = &member{Pool: w.pool, Member: w.member, heard: now}
		m.members[w] = at
	}
	return at
}

// snapshot is what the feed sends.
type snapshot struct {
	Members []*member   `json:"members"`
	Matches [][2]string `json:"matches"` // pool/member of matcher and matchee
}

// snapshot lists whom to show, and forgets the silent; m.mu is held.
func (m *Map) snapshot(now time.Time) snapshot {
	s := snapshot{Members: []*member{}, Matches: [][2]string{}}
	couples := make(map[string]*[2]string)
	for key, at := range m.members {
		if now.Sub(at.heard) > forget {
			delete(m.members, key)
			continue
		}
		if !at.reported && !at.placed {
			continue
		}
		s.Members = append(s.Members, at)
		if at.Match == "" {
			continue
		}
		couple := couples[at.Match]
		if couple == nil {
			couple = new([2]string)
			couples[at.Match] = couple
		}
		side := 1
		if at.matcher {
			side = 0
		}
		couple[side] = at.Pool + "/" + at.Member
	}
	for _, couple := range couples {
		if couple[0] != "" && couple[1] != "" {
			s.Matches = append(s.Matches, *couple)
		}
	}
	return s
}

// Feed serves the map as JSON.
func (m *Map) Feed() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.mu.Lock()
		text, err := json.Marshal(m.snapshot(time.Now()))
		m.mu.Unlock()
		if err != nil {
			http.Error(w, "the map cannot be written", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(text) // the client may be gone
	})
}

// Page serves the page that shows the feed, at /, and what it is made of, below
// /map/.
func (m *Map) Page() http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the name is a constant
	}
	parts := http.StripPrefix("/map", http.FileServerFS(page))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		// The files of a newer build come from the same place.
		w.Header().Set("Cache-Control", "no-store")
		if r.URL.Path == "/" {
			http.ServeFileFS(w, r, page, "page.html")
			return
		}
		parts.ServeHTTP(w, r)
	})
}
