// Package livemap serves a page with a live map: members at their latest locations, and
// their matches. It reads only the frames that pass the gateway, so it works with any
// cache. Start at [New].
package livemap

import (
	"embed"
	"encoding/json"
	"io/fs"
	"maps"
	"math"
	"net/http"
	"sync"
	"time"

	"waggle/clients/go/waggle"
	"waggle/internal/geo"
	"waggle/internal/protocol"
	"waggle/localstack/apigateway"
)

//go:embed page
var files embed.FS

// policy lets the page load from this server only.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// hideAfter is how long a silent member is shown. A member in a match reports more often
// than that.
const hideAfter = 2 * time.Minute

// Map holds what the frames so far have shown. It is safe for concurrent use.
type Map struct {
	mu        sync.Mutex
	members   map[memberKey]*member
	forgotten time.Time // when silent members were last forgotten
}

type memberKey struct{ pool, member string }

type member struct {
	Pool    string  `json:"pool"`
	Member  string  `json:"member"`
	Lat     float64 `json:"lat"`
	Lng     float64 `json:"lng"`
	Waiting bool    `json:"waiting"`
	Offer   string  `json:"offer,omitempty"` // the match that is offered: nobody else gets the member
	Match   string  `json:"match,omitempty"`

	asks      bool  // it made the request of Offer
	offered   int64 // until when Offer stands, epoch ms
	matcher   bool  // of Match
	reported  bool  // the location is from a report
	requested bool  // the location is from a request
	lastFrame time.Time
}

// New returns an empty map.
func New() *Map {
	return &Map{members: make(map[memberKey]*member)}
}

// Observe updates the map from one frame.
func (m *Map) Observe(f apigateway.Frame) {
	key := memberKey{f.Authorizer["pool"], f.Authorizer["member"]}
	if f.Direction == apigateway.In {
		m.received(key, f)
		return
	}
	if frame, err := waggle.DecodeFrame(f.Payload); err == nil {
		m.sent(key, frame, f.Time)
	}
}

// received updates the map from a message of a member.
func (m *Map) received(key memberKey, f apigateway.Frame) {
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
	at := m.member(key, f.Time)
	at.lastFrame = f.Time
	switch message := message.(type) {
	case *protocol.Location:
		at.Lat, at.Lng, at.reported = rounded(message.Lat), rounded(message.Lng), true
	case *protocol.Match:
		// A member that never reports is shown where it requested a match.
		if p := message.Point; p != nil && !at.reported {
			at.Lat, at.Lng, at.requested = rounded(p.Lat), rounded(p.Lng), true
		}
	}
}

// rounded rounds a coordinate to 11 cm, which makes the feed a third shorter.
func rounded(degrees float64) float64 { return math.Round(degrees*1e6) / 1e6 }

// sent updates the map from a frame to a member.
func (m *Map) sent(key memberKey, frame waggle.Frame, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.member(key, now)
	switch frame := frame.(type) {
	case *waggle.Welcome: // has the match or the request, if there is one
		at.Waiting, at.Match, at.Offer = frame.Request != nil, "", ""
		if o := frame.Offer; o != nil {
			at.offer(o.Match, o.Role, o.ExpiresAt)
		}
		if frame.Match != nil {
			at.Match, at.matcher = frame.Match.Match, frame.Match.Role == waggle.Matcher
		}
	case *waggle.Offered:
		at.offer(frame.Match, frame.Role, frame.ExpiresAt)
	case *waggle.Matched:
		at.Waiting, at.Offer, at.Match, at.matcher = false, "", frame.Match, frame.Role == waggle.Matcher
	case *waggle.Waiting:
		at.Waiting = true
	case *waggle.NoMatch:
		at.requestEnded()
	case *waggle.Ended:
		switch frame.Match {
		case "":
			at.requestEnded()
		case at.Match:
			at.Match = ""
		case at.Offer:
			at.Offer = ""
		}
	}
}

// offer notes an offer. The request of the member who asks goes on after it.
func (m *member) offer(match, role string, expiresAt int64) {
	if m.Match == match {
		return // the push of the match has overtaken it
	}
	m.Offer, m.asks, m.offered = match, role == waggle.Matcher, expiresAt
	if m.asks {
		m.Waiting = true
	}
}

// requestEnded notes that the member's request is over, and with it what it offered.
func (m *member) requestEnded() {
	m.Waiting = false
	if m.asks {
		m.Offer = ""
	}
}

func (m *Map) member(key memberKey, now time.Time) *member {
	at := m.members[key]
	if at == nil {
		if now.Sub(m.forgotten) > hideAfter {
			m.forget(now)
		}
		at = &member{Pool: key.pool, Member: key.member, lastFrame: now}
		m.members[key] = at
	}
	return at
}

// snapshot is the JSON of the feed.
type snapshot struct {
	Members []*member   `json:"members"`
	Matches [][2]string `json:"matches"` // pool/member of matcher and matchee
}

// forget forgets silent members. It also runs while nobody looks at the map. The caller
// holds m.mu.
func (m *Map) forget(now time.Time) {
	m.forgotten = now
	maps.DeleteFunc(m.members, func(_ memberKey, at *member) bool { return now.Sub(at.lastFrame) > hideAfter })
}

// snapshot lists the members to show. The caller holds m.mu.
func (m *Map) snapshot(now time.Time) snapshot {
	m.forget(now)
	s := snapshot{Members: []*member{}, Matches: [][2]string{}}
	pairs := make(map[string]*[2]string)
	for _, at := range m.members {
		if !at.reported && !at.requested {
			continue
		}
		if now.UnixMilli() > at.offered { // what follows comes with the members' next messages
			at.Offer = ""
		}
		s.Members = append(s.Members, at)
		if at.Match == "" {
			continue
		}
		pair := pairs[at.Match]
		if pair == nil {
			pair = new([2]string)
			pairs[at.Match] = pair
		}
		side := 1
		if at.matcher {
			side = 0
		}
		pair[side] = at.Pool + "/" + at.Member
	}
	for _, pair := range pairs {
		if pair[0] != "" && pair[1] != "" {
			s.Matches = append(s.Matches, *pair)
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
			http.Error(w, "the map cannot be encoded", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(text) // fails if the client has disconnected
	})
}

// Cell serves the corners of a cell that the answer to nearby names.
func Cell(w http.ResponseWriter, r *http.Request) {
	corners := geo.Boundary(geo.Cell(r.PathValue("cell")))
	if len(corners) == 0 {
		http.NotFound(w, r)
		return
	}
	points := make([]point, len(corners))
	for i, c := range corners {
		points[i] = point{rounded(c.Lat), rounded(c.Lng)}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(points) // fails if the client has disconnected
}

type point struct {
	Lat float64 `json:"lat"`
	Lng float64 `json:"lng"`
}

// Page serves the page at /, and its files below /map/.
func (m *Map) Page() http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the name is a constant
	}
	parts := http.StripPrefix("/map", http.FileServerFS(page))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		// A newer build serves its files at the same URLs.
		w.Header().Set("Cache-Control", "no-store")
		if r.URL.Path == "/" {
			http.ServeFileFS(w, r, page, "page.html")
			return
		}
		parts.ServeHTTP(w, r)
	})
}
