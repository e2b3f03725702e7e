package invariants_test

import (
	"fmt"
	"testing"
	"time"

	"waggle/internal/protocol"
)

func TestAvailabilityStays(t *testing.T) {
	for setting, inNewSession := range map[string]string{"kept": "", "reset": "ben"} {
		t.Run(setting, func(t *testing.T) { availabilityStays(t, setting, inNewSession) })
	}
}

func availabilityStays(t *testing.T, setting, inNewSession string) {
	onEach(t, `{"pools":{"default":{"requestsPerMinute":1e6,"matchesPerHour":1e6,"availability":"`+setting+`"}}}`, func(t *testing.T, be *backend) {
		ben := be.join("ben")
		check := func(what, want string) {
			t.Helper()
			if got := be.findAt(lat, lng); got != want {
				t.Errorf("%s: found %q, want %q", what, got, want)
			}
		}
		ben.at(lat, lng)
		check("at first", "ben")
		ben.at(lat, lng, `"available":false`)
		check("unavailable", "")
		ben.at(lat, lng)
		check("unavailable still", "")
		ben.send("match", `"wait":60`)
		want[*protocol.Waiting](ben)
		check("unavailable, though it waits", "")
		ben.at(lat, lng, `"available":true`)
		check("available once more, and waiting", "ben")
		ben.at(lat, lng, `"available":false`)
		ben.reconnect()
		check("a new session", inNewSession)
	})
}

func TestRequiredConsentStandsInTheNextSession(t *testing.T) {
	requiredConsent(t, "kept", "somebody")
}

func TestRequiredConsentIsAskedInEachSessionWhereChoicesAreReset(t *testing.T) {
	requiredConsent(t, "reset", "")
}

func requiredConsent(t *testing.T, setting, inNewSession string) {
	onEach(t, `{"pools":{"default":{"consent":"required","availability":"`+setting+`"}}}`, func(t *testing.T, be *backend) {
		ben := be.join("ben")
		for i, step := range []struct {
			available, want string
		}{{"", ""}, {`"available":true`, "somebody"}, {"", "somebody"}, {`"available":false`, ""}, {`"available":true`, "somebody"}} {
			if step.available == "" {
				ben.at(lat, lng)
			} else {
				ben.at(lat, lng, step.available)
			}
			if got := be.findAt(lat, lng); got != step.want {
				t.Errorf("step %d, %s: found %q, want %q", i, step.available, got, step.want)
			}
		}
		ben = ben.reconnect()
		ben.at(lat, lng)
		if got := be.findAt(lat, lng); got != inNewSession {
			t.Errorf("found %q in a new session, want %q", got, inNewSession)
		}
	})
}

func TestRequiredConsentIsAskedForEachMatch(t *testing.T) {
	for _, test := range []struct {
		settings, fields string
		want             time.Duration
	}{
		{"", "", 30 * time.Second},
		{"", `,"confirm":0`, 30 * time.Second},
		{`,"confirm":10`, "", 10 * time.Second},
		{`,"confirm":10`, `,"confirm":15`, 15 * time.Second},
	} {
		t.Run(test.settings+test.fields, func(t *testing.T) {
			onEach(t, `{"pools":{"default":{"consent":"required"`+test.settings+`}}}`, func(t *testing.T, be *backend) {
				ana, ben := be.join("ana"), be.join("ben")
				ana.at(lat, lng)
				ben.at(lat, lng, `"available":true`)
				ana.send("match", `"id":"r"`+test.fields)
				offer := want[*protocol.Offered](ana)
				if left := time.UnixMilli(offer.ExpiresAt).Sub(be.now()); left > test.want || left < test.want-time.Second {
					t.Errorf("ben has %s to accept, want %s", left, test.want)
				}
				ben.send("accept", fmt.Sprintf(`"match":%q`, offer.Match))
				want[*protocol.Matched](ana)
			})
		})
	}
}
