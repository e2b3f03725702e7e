package livemap

import (
	"encoding/json"
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

	"waggle/localstack/apigateway"
)

// A viewer feeds frames to a map, and reads it.
type viewer struct {
	*Map
	now time.Time
}

func newViewer() *viewer { return &viewer{New(), time.Now()} }

func (v *viewer) says(member, payload string) { v.frame(member, apigateway.In, payload) }
func (v *viewer) hears(member, payload string) {
	v.frame(member, apigateway.Out, payload)
}

func (v *viewer) frame(member string, d apigateway.Direction, payload string) {
	v.Observe(apigateway.Frame{Direction: d, Time: v.now, Payload: []byte(payload),
		Authorizer: map[string]string{"pool": "p", "member": member}})
}

// shown is the feed: a line for each member, then one for each match.
func (v *viewer) shown(t *testing.T) []string {
	t.Helper()
	r := httptest.NewRecorder()
	v.Feed().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/feed", nil))
	var feed struct {
		Members []struct {
			Pool, Member, Match string
			Lat, Lng            float64
			Waiting             bool
		}
		Matches [][2]string
	}
	if err := json.Unmarshal(r.Body.Bytes(), &feed); err != nil || feed.Members == nil || feed.Matches == nil {
		t.Fatalf("got %s, %v", r.Body, err)
	}
	lines := []string{}
	for _, m := range feed.Members {
		text, err := json.Marshal([]any{m.Pool, m.Member, m.Lat, m.Lng, m.Waiting, m.Match})
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
	if diff := cmp.Diff(lines, v.shown(t)); diff != "" {
		t.Errorf("the map (-want +got):\n%s", diff)
	}
}

func TestAMatchFromItsFrames(t *testing.T) {
	v := newViewer()
	v.want(t)
	v.says("ben", `{"action":"location","lat":1,"lng":2}`)
	v.says("ana", `{"action":"location","lat":3,"lng":4}`)
	v.says("ana", `{"action":"match","lat":9,"lng":9,"wait":60}`)
	v.hears("ana", `{"type":"waiting","expiresAt":1}`)
	v.want(t, `["p","ana",3,4,true,""]`, `["p","ben",1,2,false,""]`)

	v.hears("ana", `{"type":"matched","match":"m1","role":"matcher","peer":{"lat":1,"lng":2,"at":1,"distance":1},"report":{}}`)
	v.want(t, `["p","ana",3,4,false,"m1"]`, `["p","ben",1,2,false,""]`) // only one half is told yet
	v.hears("ben", `{"type":"matched","match":"m1","role":"matchee","peer":{"lat":3,"lng":4,"at":1,"distance":1},"report":{}}`)
	v.says("ben", `{"action":"location","lat":2,"lng":3}`)
	v.want(t, `["p","ana",3,4,false,"m1"]`, `["p","ben",2,3,false,"m1"]`, "p/ana → p/ben")

	v.hears("ana", `{"type":"ended","match":"m0","reason":"completed"}`) // an older one
	v.want(t, `["p","ana",3,4,false,"m1"]`, `["p","ben",2,3,false,"m1"]`, "p/ana → p/ben")
	v.hears("ben", `{"type":"ended","match":"m1","reason":"completed"}`)
	v.hears("ana", `{"type":"ended","match":"m1","reason":"completed"}`)
	v.want(t, `["p","ana",3,4,false,""]`, `["p","ben",2,3,false,""]`)
}

func TestWhoNeverReportsIsWhereItAsked(t *testing.T) {
	v := newViewer()
	v.says("ana", `{"action":"match"}`)
	v.hears("ana", `{"type":"waiting","expiresAt":1}`)
	v.want(t)
	v.says("ana", `{"action":"match","lat":9,"lng":8,"wait":60}`)
	v.want(t, `["p","ana",9,8,true,""]`)
	v.hears("ana", `{"type":"no_match","radius":3000}`)
	v.want(t, `["p","ana",9,8,false,""]`)
}

func TestAWelcomeSaysWhatIsUnderWay(t *testing.T) {
	v := newViewer()
	v.says("ana", `{"action":"location","lat":1,"lng":2}`)
	v.hears("ana", `{"type":"welcome","member":"ana","pool":"p","protocol":1,"match":{"match":"m1","role":"matcher","state":"active","peer":{}}}`)
	v.want(t, `["p","ana",1,2,false,"m1"]`)
	v.hears("ana", `{"type":"welcome","member":"ana","pool":"p","protocol":1,"request":{"id":"r","radius":1,"expiresAt":1}}`)
	v.want(t, `["p","ana",1,2,true,""]`)
	v.hears("ana", `{"type":"welcome","member":"ana","pool":"p","protocol":1}`)
	v.want(t, `["p","ana",1,2,false,""]`)
}

func TestTheSilentAreForgotten(t *testing.T) {
	v := newViewer()
	v.now = time.Now().Add(-3 * time.Minute)
	for _, member := range []string{"ana", "ben"} {
		v.says(member, `{"action":"location","lat":1,"lng":2}`)
	}
	v.hears("ben", `{"type":"matched","match":"m1","role":"matchee","peer":{},"report":{}}`)
	v.now = time.Now()
	v.says("ana", `{"action":"ping"}`) // a sign of life, as any message
	v.want(t, `["p","ana",1,2,false,""]`)
}

func TestWhatIsNoMessageChangesNothing(t *testing.T) {
	v := newViewer()
	for _, payload := range []string{``, `[]`, `{"action":1}`, `{"action":"dance"}`, `{"action":"location","lat":91,"lng":0}`, "\xff"} {
		v.says("ana", payload)
	}
	v.hears("ana", `{"message":"Internal server error"}`)
	v.hears("ana", `no JSON`)
	v.want(t)
}

func TestThePageAndItsPartsAreServed(t *testing.T) {
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
	// What the parts name must be there, and nowhere else than here.
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
				t.Errorf("%s names %s", part, url)
			}
		}
	}
}

func TestTheFeedIsAsFineAsCanBeSeen(t *testing.T) {
	v := newViewer()
	v.says("ana", `{"action":"location","lat":37.77490012345,"lng":-122.41939987654}`)
	v.want(t, `["p","ana",37.7749,-122.4194,false,""]`)
}
