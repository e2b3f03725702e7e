package issuer_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"

	"waggle/localstack/issuer"
)

// start serves an issuer at its URL.
func start(t *testing.T) (*issuer.Issuer, string) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i, err := issuer.New(server.URL, "waggle")
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("/.well-known/openid-configuration", i.ServeDiscovery)
	mux.HandleFunc("/.well-known/jwks.json", i.ServeKeys)
	mux.HandleFunc("/token", i.ServeToken)
	return i, server.URL
}

func get(t *testing.T, url string) (status int, contentType, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), string(text)
}

// verify verifies a token as a client does, beginning with the discovery document.
func verify(t *testing.T, url, token string, config oidc.Config) (map[string]any, error) {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	config.ClientID = "waggle"
	verified, err := provider.Verifier(&config).Verify(t.Context(), token)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	if err := verified.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	return claims, nil
}

func TestTokensHaveTheRequestedClaimsAndVerify(t *testing.T) {
	_, url := start(t)
	for name, test := range map[string]struct {
		query string
		ttl   float64
		want  map[string]any // without iss, aud, iat, exp
	}{
		"member alone": {"member=ana", 7200, map[string]any{"sub": "ana"}},
		"everything": {"member=ana&pool=city&tags=a,b&roles=matcher&card=%7B%22name%22:%22Ana%22%7D&ttl=60", 60, map[string]any{
			"sub": "ana", "pool": "city", "tags": []any{"a", "b"}, "roles": []any{"matcher"}, "card": map[string]any{"name": "Ana"},
		}},
		"empty values":  {"member=&pool=&tags=&roles=", 7200, map[string]any{"sub": "", "pool": "", "tags": []any{}, "roles": []any{}}},
		"odd names":     {"member=a/b%7D%20%F0%9F%90%9D&pool=NOT%20A%20POOL", 7200, map[string]any{"sub": "a/b} 🐝", "pool": "NOT A POOL"}},
		"card is null":  {"member=ana&card=null", 7200, map[string]any{"sub": "ana", "card": nil}},
		"very long one": {"member=" + strings.Repeat("x", 500), 7200, map[string]any{"sub": strings.Repeat("x", 500)}},
	} {
		t.Run(name, func(t *testing.T) {
			before := time.Now().Unix()
			status, contentType, token := get(t, url+"/token?"+test.query)
			if status != http.StatusOK || !strings.HasPrefix(contentType, "text/plain") || strings.Count(token, ".") != 2 {
				t.Fatalf("got %d %s %s", status, contentType, token)
			}
			got, err := verify(t, url, token, oidc.Config{SupportedSigningAlgs: []string{oidc.ES256}})
			if err != nil {
				t.Fatal(err)
			}
			issued := got["iat"].(float64)
			if issued < float64(before) || issued > float64(time.Now().Unix()) {
				t.Errorf("iat: got %v, want now", issued)
			}
			want := map[string]any{"iss": url, "aud": "waggle", "iat": issued, "exp": got["exp"]}
			for name, value := range test.want {
				want[name] = value
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if lasts := got["exp"].(float64) - issued; lasts < test.ttl-1 || lasts > test.ttl {
				t.Errorf("lasts %v s, want %v", lasts, test.ttl)
			}
		})
	}
}

func TestExpiredTokensAreIssued(t *testing.T) {
	_, url := start(t)
	for _, ttl := range []string{"0", "-60"} {
		_, _, token := get(t, url+"/token?member=ana&ttl="+ttl)
		if _, err := verify(t, url, token, oidc.Config{}); err == nil || !strings.Contains(err.Error(), "expired") {
			t.Errorf("ttl=%s: got %v, want an expired token", ttl, err)
		}
	}
}

func TestTokensWithAnotherIssuerOrAudienceAreIssued(t *testing.T) {
	_, url := start(t)
	for query, want := range map[string]string{"aud=others": "audience", "iss=http://elsewhere": "issued by a different provider"} {
		_, _, token := get(t, url+"/token?member=ana&"+query)
		if _, err := verify(t, url, token, oidc.Config{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a refusal with %q", query, err, want)
		}
	}
}

func TestBadQueriesAreRefusedWithWhatIsAllowed(t *testing.T) {
	_, url := start(t)
	for query, want := range map[string]string{
		"":                                    "member=ID",
		"pool=city":                           "member=ID",
		"member=ana&ttl=soon":                 "whole number of seconds",
		"member=ana&ttl=1.5":                  "whole number of seconds",
		"member=ana&ttl=":                     "whole number of seconds",
		"member=ana&ttl=99999999999999999999": "whole number of seconds",
		"member=ana&card=":                    "card must be JSON",
		"member=ana&card=%7B":                 "card must be JSON",
	} {
		status, _, body := get(t, url+"/token?"+query)
		if status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %q, want 400 with %q", query, status, body, want)
		}
	}
}

func TestSignKeepsClaimsOfTheCaller(t *testing.T) {
	i, url := start(t)
	token, err := i.Sign(map[string]any{"sub": "ana", "aud": "others"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, url, token, oidc.Config{}); err == nil || !strings.Contains(err.Error(), "audience") {
		t.Errorf("got %v, want a wrong audience", err)
	}
	if _, err := i.Sign(map[string]any{"sub": make(chan int)}); err == nil {
		t.Error("a claim that is not JSON was signed")
	}
}

func TestAnotherIssuersKeyDoesNotVerify(t *testing.T) {
	_, url := start(t)
	other, err := issuer.New(url, "waggle")
	if err != nil {
		t.Fatal(err)
	}
	token, err := other.Sign(map[string]any{"sub": "ana"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, url, token, oidc.Config{}); err == nil {
		t.Error("a token signed with another key was verified")
	}
}

func TestKeysContainNoSecret(t *testing.T) {
	_, url := start(t)
	_, _, body := get(t, url+"/.well-known/jwks.json")
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal([]byte(body), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("got %s, %v", body, err)
	}
	got := set.Keys[0]
	want := map[string]string{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": got["kid"], "x": got["x"], "y": got["y"]}
	if diff := cmp.Diff(want, got); diff != "" || len(got["kid"]) != 43 {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
