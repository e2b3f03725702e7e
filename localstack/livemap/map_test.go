package livemap

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/geo"
	"waggle/localstack/apigateway"
)

// A viewer sends frames to a map, and reads its feed.
type viewer struct {
	*Map
	now time.Time
}

func newViewer() *viewer { return &viewer{New(), time.Now()} }

func (v *viewer) sends(member, payload string) { v.frame(member, apigateway.In, payload) }
func (v *viewer) receives(member, payload string) {
	v.frame(member, apigateway.Out, payload)
}

func (v *viewer) frame(member string, d apigateway.Direction, payload string) {
	v.Observe(apigateway.Frame{Direction: d, Time: v.now, Payload: []byte(payload),
		Authorizer: map[string]string{"pool": "p", "member": member}})
}

// feed returns the feed, with a line for each member and one for each match.
func (v *viewer) feed(t *testing.T) []string {
	t.Helper()
	r := httptest.NewRecorder()
	v.Feed().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/feed", nil))
	var feed struct {
		Members []struct {
			Pool, Member, Match, Offer string
			Lat, Lng                   float64
			Waiting                    bool
		}
		Matches [][2]string
	}
	if err := json.Unmarshal(r.Body.Bytes(), &feed); err != nil || feed.Members == nil || feed.Matches == nil {
		t.Fatalf("got %s, %v", r.Body, err)
	}
	lines := []string{}
	for _, m := range feed.Members {
		line := []any{m.Pool, m.Member, m.Lat, m.Lng, m.Waiting, m.Match}
		if m.Offer != "" {
			line = append(line, m.Offer)
		}
		text, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(text))
	}
	for _, m := range feed.Matches {
		lines = append(lines, strings.Join(m[:], " → "))
	}
	slices.Sort(lines)
	return lines
}

func (v *viewer) want(t *testing.T, lines ...string) {
	t.Helper()
	slices.Sort(lines)
	if lines == nil {
		lines = []string{}
	}
	if diff := cmp.Diff(lines, v.feed(t)); diff != "" {
		t.Errorf("the map (-want +got):\n%s", diff)
	}
}

func TestTheMapShowsAMatchFromItsFrames(t *testing.T) {
	v := newViewer()
	v.want(t)
	v.sends("ben", `{"action":"location","lat":1,"lng":2}`)
	v.sends("ana", `{"action":"location","lat":3,"lng":4}`)
	v.sends("ana", `{"action":"match","lat":9,"lng":9,"wait":60}`)
	v.receives("ana", `{"type":"waiting","expiresAt":1}`)
	v.want(t, `["p","ana",3,4,true,""]`, `["p","ben",1,2,false,""]`)

	v.receives("ana", `{"type":"matched","match":"m1","role":"matcher","peer":{"lat":1,"lng":2,"at":1,"distance":1},"report":{}}`)
	v.want(t, `["p","ana",3,4,false,"m1"]`, `["p","ben",1,2,false,""]`) // only the matcher has been notified
	v.receives("ben", `{"type":"matched","match":"m1","role":"matchee","peer":{"lat":3,"lng":4,"at":1,"distance":1},"report":{}}`)
	v.sends("ben", `{"action":"location","lat":2,"lng":3}`)
	v.want(t, `["p","ana",3,4,false,"m1"]`, `["p","ben",2,3,false,"m1"]`, "p/ana → p/ben")

	v.receives("ana", `{"type":"ended","match":"m0","reason":"completed"}`) // an older match
	v.want(t, `["p","ana",3,4,false,"m1"]`, `["p","ben",2,3,false,"m1"]`, "p/ana → p/ben")
	v.receives("ben", `{"type":"ended","match":"m1","reason":"completed"}`)
	v.receives("ana", `{"type":"ended","match":"m1","reason":"completed"}`)
	v.want(t, `["p","ana",3,4,false,""]`, `["p","ben",2,3,false,""]`)
}

func TestTheMapShowsAnOfferFromItsFrames(t *testing.T) {
	later := time.Now().Add(time.Minute).UnixMilli()
	offered := func(role string, until int64) string {
		return fmt.Sprintf(`{"type":"offered","match":"m1","role":%q,"expiresAt":%d,"distance":50}`, role, until)
	}
	const (
		declined = `{"type":"ended","match":"m1","reason":"declined"}`
		matched  = `{"type":"matched","match":"m1","role":"matchee","peer":{},"report":{}}`
		welcome  = `{"type":"welcome","member":"ana","pool":"p","protocol":1`
	)
	free, waiting := `["p","ana",1,2,false,""]`, `["p","ana",1,2,true,""]`
	asked, asking := `["p","ana",1,2,false,"","m1"]`, `["p","ana",1,2,true,"","m1"]`
	for name, test := range map[string]struct {
		frames []string
		want   string
	}{
		"asked":                             {[]string{offered("matchee", later)}, asked},
		"asked, and declines":               {[]string{offered("matchee", later), declined}, free},
		"asked, and another match ends":     {[]string{offered("matchee", later), `{"type":"ended","match":"m0","reason":"completed"}`}, asked},
		"asked, and accepts":                {[]string{offered("matchee", later), matched}, `["p","ana",1,2,false,"m1"]`},
		"asked, and has accepted":           {[]string{matched, offered("matchee", later)}, `["p","ana",1,2,false,"m1"]`},
		"asked, and does not answer":        {[]string{offered("matchee", 1)}, free},
		"asked while its request waits":     {[]string{`{"type":"waiting","expiresAt":1}`, offered("matchee", later), declined}, waiting},
		"asked, and cancels its request":    {[]string{`{"type":"waiting","expiresAt":1}`, offered("matchee", later), `{"type":"ended","reason":"cancelled"}`}, asked},
		"asks":                              {[]string{offered("matcher", later)}, asking},
		"asks, the other declines":          {[]string{offered("matcher", later), declined}, waiting},
		"asks, and nobody is left":          {[]string{offered("matcher", later), declined, `{"type":"no_match","radius":3000}`}, free},
		"asks, and cancels":                 {[]string{offered("matcher", later), `{"type":"ended","id":"c1","reason":"cancelled"}`}, free},
		"a welcome has the offer":           {[]string{welcome + fmt.Sprintf(`,"offer":{"match":"m1","role":"matchee","expiresAt":%d}}`, later)}, asked},
		"a welcome has no offer":            {[]string{offered("matchee", later), welcome + "}"}, free},
		"a welcome has the request's offer": {[]string{welcome + fmt.Sprintf(`,"offer":{"match":"m1","role":"matcher","expiresAt":%d}}`, later)}, asking},
	} {
		t.Run(name, func(t *testing.T) {
			v := newViewer()
			v.sends("ana", `{"action":"location","lat":1,"lng":2}`)
			for _, frame := range test.frames {
				v.receives("ana", frame)
			}
			v.want(t, test.want)
		})
	}
}

func TestTheCornersOfACellAreServed(t *testing.T) {
	home := geo.Point{Lat: 37.7749, Lng: -122.4194}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /cells/{cell}", Cell)
	get := func(cell string) *httptest.ResponseRecorder {
		r := httptest.NewRecorder()
		mux.ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/cells/"+cell, nil))
		return r
	}
	r := get(string(geo.ShardCell(home)))
	var corners []geo.Point
	if err := json.Unmarshal(r.Body.Bytes(), &corners); err != nil || len(corners) != 6 {
		t.Fatalf("got %d %s, %v, want six corners", r.Code, r.Body, err)
	}
	for _, corner := range corners {
		if d := geo.Distance(home, corner); d > 8300 { // twice the largest side
			t.Errorf("the corner %v is %.0f m away", corner, d)
		}
	}
	for _, cell := range []string{"x", "0", "ffffffffffffffff"} {
		if r := get(cell); r.Code != http.StatusNotFound {
			t.Errorf("%s: got %d %s", cell, r.Code, r.Body)
		}
	}
}

func TestAMemberThatNeverReportsIsShownAtItsRequest(t *testing.T) {
	v := newViewer()
	v.sends("ana", `{"action":"match"}`)
	v.receives("ana", `{"type":"waiting","expiresAt":1}`)
	v.want(t)
	v.sends("ana", `{"action":"match","lat":9,"lng":8,"wait":60}`)
	v.want(t, `["p","ana",9,8,true,""]`)
	v.receives("ana", `{"type":"no_match","radius":3000}`)
	v.want(t, `["p","ana",9,8,false,""]`)
}

func TestAWelcomeReplacesWhatTheMapKnows(t *testing.T) {
	v := newViewer()
	v.sends("ana", `{"action":"location","lat":1,"lng":2}`)
	v.receives("ana", `{"type":"welcome","member":"ana","pool":"p","protocol":1,"match":{"match":"m1","role":"matcher","state":"active","peer":{}}}`)
	v.want(t, `["p","ana",1,2,false,"m1"]`)
	v.receives("ana", `{"type":"welcome","member":"ana","pool":"p","protocol":1,"request":{"id":"r","radius":1,"expiresAt":1}}`)
	v.want(t, `["p","ana",1,2,true,""]`)
	v.receives("ana", `{"type":"welcome","member":"ana","pool":"p","protocol":1}`)
	v.want(t, `["p","ana",1,2,false,""]`)
}

func TestSilentMembersAreForgotten(t *testing.T) {
	v := newViewer()
	v.now = time.Now().Add(-3 * time.Minute)
	for _, member := range []string{"ana", "ben"} {
		v.sends(member, `{"action":"location","lat":1,"lng":2}`)
	}
	v.receives("ben", `{"type":"matched","match":"m1","role":"matchee","peer":{},"report":{}}`)
	v.now = time.Now()
	v.sends("ana", `{"action":"ping"}`) // any message keeps a member on the map
	v.want(t, `["p","ana",1,2,false,""]`)
}

func TestInvalidMessagesChangeNothing(t *testing.T) {
	v := newViewer()
	for _, payload := range []string{``, `[]`, `{"action":1}`, `{"action":"dance"}`, `{"action":"location","lat":91,"lng":0}`, "\xff"} {
		v.sends("ana", payload)
	}
	v.receives("ana", `{"message":"Internal server error"}`)
	v.receives("ana", `no JSON`)
	v.want(t)
}

func TestThePageAndItsFilesAreServed(t *testing.T) {
	served := func(url string) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRecorder()
		New().Page().ServeHTTP(r, httptest.NewRequest(http.MethodGet, url, nil))
		if r.Code != http.StatusOK {
			t.Errorf("%s: got %d", url, r.Code)
		}
		for _, directive := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'"} {
			if policy := r.Header().Get("Content-Security-Policy"); !strings.Contains(policy+";", directive+";") {
				t.Errorf("%s: got policy %q, want %s", url, policy, directive)
			}
		}
		return r
	}
	if page := served("/?me=ana"); !strings.HasPrefix(page.Body.String(), "<!doctype html>") ||
		!strings.HasPrefix(page.Header().Get("Content-Type"), "text/html") {
		t.Errorf("the page: got %.100s, %s", page.Body, page.Header())
	}
	types := map[string]string{".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
	// The files may refer only to files of this server, which must exist.
	named := regexp.MustCompile(`(?:src|href)="([^"#]+)"|(?:from|Worker\() ?'([^']+)'`)
	parts, err := fs.Glob(files, "page/*")
	if err != nil || len(parts) < 10 {
		t.Fatalf("got %v, %v", parts, err)
	}
	for _, part := range parts {
		text := served("/map/" + path.Base(part))
		if part == "page/page.html" {
			text = served("/")
		} else if got := text.Header().Get("Content-Type"); !strings.HasPrefix(got, types[path.Ext(part)]) {
			t.Errorf("%s: got type %s", part, got)
		}
		for _, name := range named.FindAllStringSubmatch(text.Body.String(), -1) {
			switch url := name[1] + name[2]; {
			case strings.HasPrefix(url, "/?"), url == "/":
			case strings.HasPrefix(url, "/map/"):
				served(url)
			case strings.HasPrefix(url, "./"):
				served("/map" + url[1:])
			default:
				t.Errorf("%s refers to %s", part, url)
			}
		}
	}
}

func TestTheFeedRoundsCoordinates(t *testing.T) {
	v := newViewer()
	v.sends("ana", `{"action":"location","lat":37.77490012345,"lng":-122.41939987654}`)
	v.want(t, `["p","ana",37.7749,-122.4194,false,""]`)
}

func TestSilentMembersAreForgottenThoughNobodyLooks(t *testing.T) {
	v := newViewer()
	for i := range 1000 {
		v.now = v.now.Add(time.Second)
		v.sends(fmt.Sprint("member ", i), `{"action":"ping"}`)
	}
	if got := len(v.members); got > 250 {
		t.Errorf("%d members are kept, want at most those of four minutes", got)
	}
}
