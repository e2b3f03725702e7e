package invariants_test

import (
	"fmt"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/token"
)

// TestWhoReportsAsAdvisedIsFoundAllTheTime: the member's clock is behind, by more and by less, and
// it sends no id, so that it learns only what the server tells by itself.
func TestWhoReportsAsAdvisedIsFoundAllTheTime(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, behind := range []time.Duration{0, 14 * time.Second, 20 * time.Second, 45 * time.Second, 56 * time.Second} {
			be.flush()
			ben, now := be.join("ben"), int64(0)
			var advice protocol.Report
			since := time.Duration(0)
			for range 180 {
				if since == 0 {
					ben.send("location", fmt.Sprintf(`"lat":%v,"lng":%v,"at":%d`, lat, lng, be.now().Add(-behind).UnixMilli()))
					for _, f := range ben.take() {
						if ack, ok := f.(*protocol.Ack); ok {
							advice = ack.Report
							now = max(now, ack.Now)
						}
					}
				}
				if got := be.findAt(lat, lng); got != "ben" {
					t.Errorf("%v behind, %v after a report, found %q, want ben", behind, since, got)
				}
				ben.take() // of its match with the one who looked
				be.advance(time.Second)
				if since += time.Second; since.Seconds() >= advice.AfterSeconds {
					since = 0
				}
			}
			if told := now != 0; told != (behind > 15*time.Second) {
				t.Errorf("%v behind: told of its clock: %v", behind, told)
			}
		}
	})
}

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
		{"hasty", `"locationTTL":6,"grace":30`, report(2, 15), report(3, 1000), report(3, 50), report(300, 1000)},
		{"patient", `"locationTTL":600,"grace":90`, report(3, 15), report(30, 1000), report(30, 50), report(300, 1000)},
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

			asks.send("match", `"id":"m","lat":0,"lng":0,"wait":60`)
			check("hello of a member who only asks, and whose request waits", asks.hello().Report, pool.watching)
			asks.report(lat, lng)
			check("a location of that member", want[*protocol.Ack](asks).Report, pool.watching)

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
