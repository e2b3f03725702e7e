package invariants_test

import (
	"fmt"
	"testing"
	"time"
)

// TestRule4FreshByTheServersClock: a member whose clock is ahead is not found for
// longer than the others.
func TestRule4FreshByTheServersClock(t *testing.T) {
	onEach(t, "", func(t *testing.T, be *backend) {
		ben := be.join("ben")
		for _, what := range []string{"a first report", "a second one, which the index takes by itself"} {
			ben.at(lat, lng, fmt.Sprintf(`"at":%d`, be.now().Add(25*time.Second).UnixMilli()))
			if got := be.findAt(lat, lng); got != "ben" {
				t.Errorf("%s: found %q, want ben", what, got)
			}
		}
		be.advance(61 * time.Second)
		if got := be.findAt(lat, lng); got != "" {
			t.Errorf("61 s after a report from 25 s ahead: found %q", got)
		}
	})
}
