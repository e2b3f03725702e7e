package invariants_test

import (
	"testing"

	"waggle/internal/protocol"
	"waggle/internal/token"
)

// TestAdvice: the advice depends on what the location is wanted for, and on the times of
// the pool.
func TestAdvice(t *testing.T) {
	report := func(afterSeconds, moveMeters float64) protocol.Report {
		return protocol.Report{AfterSeconds: afterSeconds, MoveMeters: moveMeters}
	}
	for _, pool := range []struct {
		name, settings                            string
		watched, watching, available, unavailable protocol.Report
	}{
		{"default", ``, report(3, 15), report(20, 1000), report(30, 50), report(300, 1000)},
		{"hasty", `"locationTTL":6,"grace":30`, report(2, 15), report(10, 1000), report(3, 50), report(300, 1000)},
		{"patient", `"locationTTL":600,"grace":90`, report(3, 15), report(30, 1000), report(30, 50), report(600, 1000)},
	} {
		onEach(t, `{"pools":{"default":{`+pool.settings+`}}}`, func(t *testing.T, be *backend) {
			check := func(what string, got, want protocol.Report) {
				t.Helper()
				if got != want {
					t.Errorf("pool %s: %s: got %+v, want %+v", pool.name, what, got, want)
				}
			}
			ana, ben := be.join("ana"), be.join("ben")
			check("hello of a member who has not reported", ana.hello().Report, pool.available)
			asks := be.joinAs(token.Identity{Member: "cem", Pool: "default", Matcher: true})
			check("hello of a member who only asks", asks.hello().Report, pool.unavailable)
			asks.report(lat, lng)
			check("a location of a member who only asks", want[*protocol.Ack](asks).Report, pool.unavailable)

			ben.report(lat, lng)
			check("a location of an available member", want[*protocol.Ack](ben).Report, pool.available)
			ben.report(lat, lng, `"available":false`)
			check("a location of an unavailable member", want[*protocol.Ack](ben).Report, pool.unavailable)
			check("hello of an unavailable member", ben.hello().Report, pool.unavailable)
			ben.report(lat, lng, `"available":true`)
			check("a location of a member who becomes available", want[*protocol.Ack](ben).Report, pool.available)

			ana.report(lat, lng)
			ana.send("match", `"id":"m"`)
			check("the matcher", want[*protocol.Matched](ana).Report, pool.watching)
			check("the matchee", want[*protocol.Matched](ben).Report, pool.watched)
			check("hello of the matcher", ana.hello().Report, pool.watching)
			check("hello of the matchee", ben.hello().Report, pool.watched)
			ana.report(lat, lng)
			check("a location of the matcher", want[*protocol.Ack](ana).Report, pool.watching)
			ben.report(lat, lng)
			check("a location of the matchee", want[*protocol.Ack](ben).Report, pool.watched)
			ana.send("match", `"id":"m"`)
			check("the repeated request", want[*protocol.Matched](ana).Report, pool.watching)
		})
	}
}
