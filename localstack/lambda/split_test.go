package lambda_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"waggle/localstack/lambda"
)

// shift sets a share, and returns how many invocations each release has had.
func shift(t *testing.T, s *lambda.Split, query string) (served map[string]int) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeShift(w, httptest.NewRequest(http.MethodPut, "/shift?"+query, nil))
	if err := json.Unmarshal(w.Body.Bytes(), &served); w.Code != http.StatusOK || err != nil {
		t.Fatalf("%s: got %d, %v", query, w.Code, err)
	}
	return served
}

func TestTwoReleasesShareTheInvocations(t *testing.T) {
	s := &lambda.Split{First: processes(t, lambda.Options{}, "pid", "none"), Second: processes(t, lambda.Options{}, "pid", "none")}
	first := invoke(t, s, "pid", "{}")
	shift(t, s, "share=1&function=none")
	if got := invoke(t, s, "pid", "{}"); got != first {
		t.Errorf("another function was shifted: got process %s, want %s", got, first)
	}
	shift(t, s, "share=1")
	second := invoke(t, s, "pid", "{}")
	if second == first {
		t.Errorf("all were shifted: got process %s of the first release", second)
	}
	if served := shift(t, s, "share=0.5&function=pid"); served["first"] != 2 || served["second"] != 1 {
		t.Errorf("got %v, want 2 and 1", served)
	}
	got := map[string]int{}
	for range 200 { // all of them go to one release once in 10⁶⁰ times
		got[invoke(t, s, "pid", "{}")]++
	}
	if len(got) != 2 || got[first] == 0 || got[second] == 0 {
		t.Errorf("half of them were shifted: got %v, want both processes", got)
	}
	if stats := s.Stats()["pid"]; stats.Invocations != 203 || stats.ColdStarts != 2 || stats.Environments != 2 {
		t.Errorf("got %+v, want those of both releases", stats)
	}
}

func TestAShareIsARealShare(t *testing.T) {
	for _, query := range []string{"", "share=-0.1", "share=1.1", "share=NaN", "share=half"} {
		w := httptest.NewRecorder()
		new(lambda.Split).ServeShift(w, httptest.NewRequest(http.MethodPut, "/shift?"+query, nil))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%q: got %d, want %d", query, w.Code, http.StatusBadRequest)
		}
	}
}
