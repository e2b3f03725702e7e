package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"waggle/internal/token"
)

func TestClaimsBecomeAnIdentityOrAreRefused(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	v := i.verifier(t)
	plain := token.Identity{Member: "ana", Pool: "default", Matcher: true, Matchee: true, Expires: now.Add(3600e9)}
	with := func(change func(*token.Identity)) *token.Identity {
		identity := plain
		change(&identity)
		return &identity
	}
	tags := func(tags ...string) *token.Identity {
		return with(func(i *token.Identity) { i.Tags, i.HasTags = append([]string{}, tags...), true })
	}
	roles := func(matcher, matchee bool) *token.Identity {
		return with(func(i *token.Identity) { i.Matcher, i.Matchee = matcher, matchee })
	}
	called := func(name string) *token.Identity { return with(func(i *token.Identity) { i.Member = name }) }
	card := func(json string) *token.Identity { return with(func(i *token.Identity) { i.Card = []byte(json) }) }
	sixteen := make([]string, 16)
	for n := range sixteen {
		sixteen[n] = fmt.Sprint("t", n)
	}

	tests := []struct {
		claim string // JSON members
		want  *token.Identity
	}{
		{``, &plain},
		{`"sub":"a/b"`, called("a/b")},
		{`"sub":"}"`, called("}")},
		{`"sub":"two words"`, called("two words")},
		{`"sub":"🐝"`, called("🐝")},
		{`"sub":"` + strings.Repeat("é", 64) + `"`, called(strings.Repeat("é", 64))},
		{`"sub":""`, nil},
		{`"sub":null`, nil},
		{`"sub":7`, nil},
		{`"sub":"` + strings.Repeat("é", 64) + `x"`, nil},
		{`"sub":"\ud800"`, nil}, // half a character: a decoder makes one member of this and the next
		{`"sub":"\udfff"`, nil},

		{`"pool":"city-2"`, with(func(i *token.Identity) { i.Pool = "city-2" })},
		{`"pool":""`, nil},
		{`"pool":null`, nil},
		{`"pool":"City"`, nil},
		{`"pool":["city"]`, nil},
		{`"pool":"` + strings.Repeat("x", 33) + `"`, nil},

		{`"roles":["matcher"]`, roles(true, false)},
		{`"roles":["matchee","matcher"]`, roles(true, true)},
		{`"roles":"matchee"`, roles(false, true)},
		{`"roles":"matchee, matcher"`, roles(true, true)},
		{`"roles":[]`, roles(false, false)},
		{`"roles":["driver"]`, nil},
		{`"roles":["matcher,matchee"]`, nil},
		{`"roles":null`, nil},
		{`"roles":[null]`, nil},
		{`"roles":{"matcher":true}`, nil},

		{`"tags":["a","b_2","c-3"]`, tags("a", "b_2", "c-3")},
		{`"tags":"a,b c , d"`, tags("a", "b", "c", "d")},
		{`"tags":["a","a"]`, tags("a")},
		{`"tags":[]`, tags()},
		{`"tags":""`, tags()},
		{`"tags":"` + strings.Join(sixteen, " ") + `"`, tags(sixteen...)},
		{`"tags":"` + strings.Join(sixteen, " ") + ` t16"`, nil},
		{`"tags":["A"]`, nil},
		{`"tags":["a b"]`, nil},
		{`"tags":[""]`, nil},
		{`"tags":["` + strings.Repeat("x", 33) + `"]`, nil},
		{`"tags":[7]`, nil},
		{`"tags":null`, nil},
		{`"tags":7`, nil},

		{`"card":{"name": "Ana", "car": [1, 2]}`, card(`{"name":"Ana","car":[1,2]}`)},
		{`"card":"Ana"`, card(`"Ana"`)},
		{`"card":0`, card(`0`)},
		{`"card":null`, &plain},
		{`"card":"` + strings.Repeat("x", 510) + `"`, card(`"` + strings.Repeat("x", 510) + `"`)},
		{`"card":"` + strings.Repeat("x", 511) + `"`, nil},
		{`"card":"` + "\xff" + `"`, nil},
	}
	base, err := json.Marshal(i.claims(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		payload := string(base)
		if test.claim != "" { // the last of two keys counts
			payload = strings.TrimSuffix(payload, "}") + "," + test.claim + "}"
		}
		got, err := v.Verify(t.Context(), signText(t, jose.ES256, key, []byte(payload)))
		if test.want == nil {
			if !errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: got %+v, %v, want ErrInvalid", test.claim, got, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.claim, err)
			continue
		}
		if diff := cmp.Diff(*test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.claim, diff)
		}
		// A handler reads what the authorizer attaches.
		back, err := token.FromContext(got.Context())
		if err != nil {
			t.Errorf("%s: from context: %v", test.claim, err)
			continue
		}
		if diff := cmp.Diff(*test.want, back); diff != "" {
			t.Errorf("%s: from context (-want +got):\n%s", test.claim, diff)
		}
	}
}

// The largest identity, in characters that JSON writes as six, stays below the
// limit that API Gateway sets to an authorizer's response.
func TestContextStaysBelow8KB(t *testing.T) {
	largest := token.Identity{
		Member: strings.Repeat("<", 128), Pool: strings.Repeat("p", 32), Matcher: true, Matchee: true,
		HasTags: true, Card: json.RawMessage(`"` + strings.Repeat("<", 510) + `"`), Expires: now,
	}
	for n := range 16 {
		largest.Tags = append(largest.Tags, fmt.Sprintf("%032d", n))
	}
	data, err := json.Marshal(largest.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 7<<10 { // 1 KB for the policy around it
		t.Errorf("got %d bytes", len(data))
	}
	var context map[string]any
	if err := json.Unmarshal(data, &context); err != nil {
		t.Fatal(err)
	}
	for key, value := range context {
		if text, ok := value.(string); !ok || text == "" {
			t.Errorf("%s: got %v, want a string that is not empty", key, value)
		}
	}
	got, err := token.FromContext(context)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(largest, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAMalformedContextIsRefused(t *testing.T) {
	good := func() map[string]any {
		return token.Identity{Member: "ana", Pool: "city", Matcher: true, Tags: []string{"a"}, HasTags: true, Card: []byte("{}"), Expires: now}.Context()
	}
	if _, err := token.FromContext(good()); err != nil {
		t.Fatalf("the context that is changed below: %v", err)
	}
	if got, err := token.FromContext(nil); err == nil {
		t.Errorf("no context: got %+v, want an error", got)
	}
	for _, key := range []string{"member", "pool", "roles", "expires"} {
		context := good()
		delete(context, key)
		if got, err := token.FromContext(context); err == nil {
			t.Errorf("no %s: got %+v, want an error", key, got)
		}
	}
	for key, values := range map[string][]any{
		"member":  {"", 7, nil, "\xff"},
		"pool":    {"", "City", "a\x00", true},
		"roles":   {"", "matcher", `["driver"]`, `[`, nil},
		"tags":    {"", `["A"]`, 7.0},
		"card":    {"", "{", `"` + strings.Repeat("x", 600) + `"`},
		"expires": {"", "soon", "0", "-1", 1.0},
	} {
		for _, value := range values {
			context := good()
			context[key] = value
			if got, err := token.FromContext(context); err == nil {
				t.Errorf("%s = %#v: got %+v, want an error", key, value, got)
			}
		}
	}
}
