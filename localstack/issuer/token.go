package issuer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxTTL keeps times within the range of all verifiers.
const maxTTL = 10 * 365 * 24 * time.Hour

// ServeToken serves /token?member=ID&pool=P&tags=a,b&roles=…&card=JSON&ttl=SECONDS
// with a token in plain text. To try out refusals, it also signs claims that verifiers
// refuse: invalid names and pools, another iss=URL or aud=NAME, and an expired token
// with a ttl below 1.
func (i *Issuer) ServeToken(w http.ResponseWriter, r *http.Request) {
	claims, problem := claimsFrom(r.URL.Query(), time.Now())
	if problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return
	}
	token, err := i.Sign(claims)
	if err != nil {
		http.Error(w, "The token could not be signed.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprint(w, token)
}

// claimsFrom parses the query of /token. A problem is a sentence for the caller.
func claimsFrom(query url.Values, now time.Time) (claims map[string]any, problem string) {
	if !query.Has("member") {
		return nil, "member is required: /token?member=ID, and optionally " +
			"pool=P, tags=a,b, roles=matcher,matchee, card=JSON, ttl=SECONDS."
	}
	claims = map[string]any{"sub": query.Get("member")}
	for _, name := range []string{"pool", "iss", "aud"} {
		if query.Has(name) {
			claims[name] = query.Get(name)
		}
	}
	for _, name := range []string{"tags", "roles"} {
		if query.Has(name) {
			claims[name] = list(query.Get(name))
		}
	}
	if query.Has("card") {
		card := json.RawMessage(query.Get("card"))
		if !json.Valid(card) {
			return nil, `card must be JSON, such as {"name":"Ana"}, percent-encoded.`
		}
		claims["card"] = card
	}
	if query.Has("ttl") {
		seconds, err := strconv.ParseInt(query.Get("ttl"), 10, 32)
		ttl := time.Duration(seconds) * time.Second
		if err != nil || ttl.Abs() > maxTTL {
			return nil, fmt.Sprintf("ttl must be a whole number of seconds, at most %d.", int(maxTTL.Seconds()))
		}
		claims["exp"] = now.Add(ttl).Unix()
	}
	return claims, ""
}

// list splits at commas; "" gives the empty list.
func list(text string) []string {
	if text == "" {
		return []string{}
	}
	return strings.Split(text, ",")
}
