package replay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
	"waggle/internal/pool"
	"waggle/lab/replay"
	"waggle/lab/stats"
	"waggle/lab/trace"
)

// tenMinutes has two cabs, four pickups, and a bad fix.
func tenMinutes() trace.Window { return trace.Cut(rows(), 0, 600, 0) }

func rows() []trace.Row {
	row := func(unix int64, cab string, lat float64, occupied bool) trace.Row {
		return trace.Row{Unix: unix, Cab: cab, Lat: lat, Lng: -122, Occupied: occupied}
	}
	return []trace.Row{
		row(0, "a", 37.00, false),
		row(0, "b", 38.00, false),
		row(30, "c", 99, false), // a bad fix
		row(60, "a", 37.00, true),
		row(90, "a", 37.01, true),
		row(120, "a", 37.02, true),
		row(150, "b", 38.00, true),
		row(180, "a", 37.03, false), // a is free again
		row(200, "a", 37.03, true),
		row(210, "a", 37.04, false),
		row(220, "a", 37.04, true),
		row(240, "b", 38.02, false),
		row(400, "a", 37.05, true),
	}
}

func play(t *testing.T, ctx context.Context, c *server, change func(*replay.Config)) stats.Result {
	t.Helper()
	config := replay.Config{
		Window: tenMinutes(), Speed: 30, Grace: 10 * time.Minute, Name: "test", Options: c.options,
	}
	if change != nil {
		change(&config)
	}
	r, err := replay.Run(ctx, config)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return r
}

func inBubble(t *testing.T, test func(*testing.T, *server)) {
	synctest.Test(t, func(t *testing.T) {
		c := newServer()
		defer c.Close()
		test(t, c)
	})
}

func TestAPoolForAnotherSpeedIsRefused(t *testing.T) {
	for _, tt := range []struct {
		advised float64
		any     bool
		want    string
	}{
		{advised: 3},
		{advised: 30, want: "it wants a report every 30s, and with a TTL of 3m0s at speed 30 that would be every 3s"},
		{advised: 1.5, want: "every 1.5s"}, // the file of another speed
		{advised: 30, any: true},
		{advised: 0}, // a server without advice
	} {
		inBubble(t, func(t *testing.T, c *server) {
			c.advice = waggle.Report{AfterSeconds: tt.advised}
			r, err := replay.Run(t.Context(), replay.Config{
				Window: tenMinutes(), Speed: 30, Name: "test", Options: c.options, Pool: "sf", TTL: 180 * time.Second, AnyPool: tt.any,
			})
			var wrong *replay.PoolError
			switch {
			case tt.want == "" && (err != nil || r.Matched != 4):
				t.Errorf("advised %g: got %+v, %v, want that it plays", tt.advised, r, err)
			case tt.want != "" && (!errors.As(err, &wrong) || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("advised %g: got %v, want %q", tt.advised, err, tt.want)
			}
		})
	}
}

func TestAWindowIsPlayed(t *testing.T) {
	inBubble(t, func(t *testing.T, c *server) {
		var last replay.Progress
		got := play(t, t.Context(), c, func(c *replay.Config) {
			c.Progress = func(p replay.Progress) {
				if p.Elapsed < last.Elapsed || p.Matched < last.Matched || p.Elapsed > p.Total {
					t.Errorf("progress went from %+v to %+v", last, p)
				}
				last = p
			}
		})
		zero := 0.0
		want := stats.Result{
			To: 600, Speed: 30, WallSeconds: 20,
			Members: 2, Reports: 12, Acknowledged: 12, Skipped: 1,
			Requests: 4, Matched: 4, MatchedShare: 1, LocationsSeen: got.LocationsSeen,
			MatchMillisP50: &zero, MatchMillisP95: &zero, MatchMillisP99: &zero,
			DistanceMetersP50: &zero, DistanceMetersP95: &zero, DistanceMetersP99: &zero,
			ErrorsByCode: map[string]int{}, Probed: 2,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("got +, want -\n%s", diff)
		}
		// Three during the rides. The report at the end of a fare may come before or after
		// the end of the match.
		if got.LocationsSeen < 3 || got.LocationsSeen > 6 {
			t.Errorf("locations seen: got %d, want 3 to 6", got.LocationsSeen)
		}
		if wrong := got.Wrong(); wrong != nil {
			t.Error(wrong)
		}
		if left := c.inMatch(); left != "" {
			t.Errorf("left in a match: %s", left)
		}
		if last.Elapsed != 10*time.Minute || last.Matched != 4 || last.Probed != 2 {
			t.Errorf("the last progress was %+v", last)
		}
	})
}

func TestFaultsOfTheServerAreCounted(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*server)
		want   string
	}{
		"refused":         {func(c *server) { c.refuse = "conflict" }, "10 errors (conflict 10), 4 requests without an outcome"},
		"never answered":  {func(c *server) { c.silent = true }, "10 errors (timeout 10), 4 requests without an outcome"},
		"left in a match": {func(c *server) { c.sticky = true }, "2 cabs stuck in a match"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *server) {
				tt.change(c)
				if got := strings.Join(play(t, t.Context(), c, nil).Wrong(), ", "); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestAnInterruptEndsEveryMatch(t *testing.T) {
	inBubble(t, func(t *testing.T, c *server) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5500*time.Millisecond, cancel) // 165 s of the trace: two rides
		r := play(t, ctx, c, nil)
		if !r.Interrupted || r.Matched != 2 || r.Requests != 2 {
			t.Errorf("got %+v, want two matches and an interrupt", r)
		}
		if wrong := r.Wrong(); wrong != nil {
			t.Error(wrong)
		}
		if left := c.inMatch(); left != "" {
			t.Errorf("left in a match: %s", left)
		}
	})
	inBubble(t, func(t *testing.T, c *server) {
		c.silent = true
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		r := play(t, ctx, c, nil)
		if r.Cancelled != 1 || r.Wrong() != nil {
			t.Errorf("while asking: got %+v, %v, want one request cancelled", r, r.Wrong())
		}
	})
}

func TestACabThatCannotConnectIsAnError(t *testing.T) {
	inBubble(t, func(t *testing.T, c *server) {
		c.Refuse(503)
		_, err := replay.Run(t.Context(), replay.Config{Window: tenMinutes(), Speed: 30, Options: c.options})
		if err == nil || !strings.Contains(err.Error(), "connect cab") {
			t.Errorf("got %v, want the cab that could not connect", err)
		}
	})
}

func TestThePoolFileIsScaledToTheSpeed(t *testing.T) {
	text, err := replay.PoolFile("sf", 180*time.Second, 10*time.Minute, 30)
	if err != nil {
		t.Fatal(err)
	}
	pools, err := pool.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	got, base := pools.For("sf"), pool.Default()
	want := base
	want.LocationTTL, want.Grace = 6*time.Second, 20*time.Second
	want.ReportsPerSecond, want.ReportsBurst = base.ReportsPerSecond*30, got.ReportsBurst
	want.RequestsPerMinute, want.MatchesPerHour = base.RequestsPerMinute*30, base.MatchesPerHour*30
	want.MessagesPerSecond, want.NearbyPerMinute = base.MessagesPerSecond*30, base.NearbyPerMinute*30
	want.HarvestPerHour, want.CoolDown, want.Confirm = base.HarvestPerHour*30, base.CoolDown/30, base.Confirm/30
	want.MaxSpeed = 0 // every fix of a trace counts
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("got +, want -\n%s", diff)
	}
	if _, err := replay.PoolFile("No", time.Minute, time.Minute, 30); err == nil {
		t.Error("a bad pool name is refused")
	}
}
