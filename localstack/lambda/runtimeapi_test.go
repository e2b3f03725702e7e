package lambda

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAPageGetsNoEvents(t *testing.T) {
	const address = "127.0.0.1:41234"
	handler := onlyAt(address, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for name, test := range map[string]struct {
		host, origin string
		want         int
	}{
		"the function":                {address, "", http.StatusOK},
		"a name that leads here":      {"evil.example:41234", "", http.StatusForbidden},
		"another name of the machine": {"localhost:41234", "", http.StatusForbidden},
		"a page":                      {address, "http://evil.example", http.StatusForbidden},
	} {
		r := httptest.NewRequest(http.MethodPost, "/2018-06-01/runtime/init/error", nil)
		if r.Host = test.host; test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != test.want {
			t.Errorf("%s: got %d, want %d", name, w.Code, test.want)
		}
	}
}
