package stack

import "testing"

func TestBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"http://127.0.0.1:41234/":                  "http://127.0.0.1:41234",
		"  http://127.0.0.1:41234/token?member=x ": "http://127.0.0.1:41234",
		"ws://127.0.0.1:41234/prod":                "",
		"The map: http://127.0.0.1:1/":             "",
		"":                                         "",
	} {
		if got, _ := baseURL(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
