package signin_test

import (
	"strings"
	"testing"

	"waggle/internal/store/signin"
)

func TestParseReadsKindAndName(t *testing.T) {
	for text, want := range map[string]signin.Cache{
		"serverless/waggle":                  {Name: "waggle", Serverless: true},
		"cluster/waggle-1":                   {Name: "waggle-1"},
		"serverless/Waggle":                  {Name: "waggle", Serverless: true}, // AWS signs the name in lower case
		"cluster/" + strings.Repeat("a", 40): {Name: strings.Repeat("a", 40)},
	} {
		if got, err := signin.Parse(text); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "waggle", "serverless", "serverless/", "Serverless/waggle", "node/waggle", "cluster/a/b", "cluster/1a",
		"cluster/-a", "cluster/a_b", "cluster/a.b", "cluster/" + strings.Repeat("a", 41), " cluster/a", "cluster/a\n"} {
		if got, err := signin.Parse(text); err == nil || !strings.Contains(err.Error(), "serverless/NAME or cluster/NAME") {
			t.Errorf("%q: got %+v, %v, want an error that says what is allowed", text, got, err)
		}
	}
}
