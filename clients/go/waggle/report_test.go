package waggle_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

// said writes what a report says of its member, such as "true [xl]".
func said(m waggletest.Message) string {
	available, tags := "-", "-"
	if m.Available != nil {
		available = fmt.Sprint(*m.Available)
	}
	if m.Tags != nil {
		tags = fmt.Sprint(*m.Tags)
	}
	return available + " " + tags
}

func TestAChangeOfStateIsDueAtOnce(t *testing.T) {
	var reports []string
	script := func(s *waggletest.Socket) {
		s.Welcome(&waggle.Welcome{Report: waggle.Report{AfterSeconds: 300, MoveMeters: 1000}})
		for m, ok := s.Await("location"); ok; m, ok = s.Await("location") {
			reports = append(reports, said(m))
		}
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		for i, step := range []struct {
			available *bool
			tags      *[]string
			want      bool
		}{
			{new(true), nil, true}, // the first
			{new(true), nil, false},
			{nil, nil, false},
			{new(false), nil, true},
			{nil, nil, false},
			{new(false), &[]string{"xl", "pet"}, true},
			{new(false), &[]string{"pet", "xl"}, false}, // the same
			{nil, &[]string{}, true},
			{new(false), nil, false},
		} {
			sent, err := c.ReportWhenDue(t.Context(), waggle.Location{Lat: 37, Lng: -122, Available: step.available, Tags: step.tags})
			if err != nil || sent != step.want {
				t.Errorf("step %d: got %t, %v, want %t", i, sent, err, step.want)
			}
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"true -", "false -", "false [xl pet]", "- []"}, reports); diff != "" {
			t.Errorf("reports: got +, want -\n%s", diff)
		}
	})
}

func TestARefusedReportIsDueAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		refusal waggle.Frame
		want    time.Duration // 0: as advised
	}{
		{"for a while", &waggle.ErrorFrame{Code: waggle.CodeRateLimited, Retryable: true, RetryAfter: 3}, 3 * time.Second},
		{"for a moment", &waggle.ErrorFrame{Code: waggle.CodeUnavailable, Retryable: true}, time.Second},
		{"by the gateway", &waggle.Unknown{Raw: []byte(`{"message":"Internal server error"}`)}, time.Second},
		{"for good", &waggle.ErrorFrame{Code: waggle.CodeForbidden}, 0},
		{"not at all", &waggle.Unknown{Type: "dance", Raw: []byte(`{"type":"dance"}`)}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := func(s *waggletest.Socket) {
				s.Welcome(&waggle.Welcome{Report: waggle.Report{AfterSeconds: 300}})
				s.Await("location")
				s.Push(c.refusal)
				s.Drain()
			}
			inBubble(t, script, func(fx *fixture) {
				client := fx.connect()
				defer client.Close()
				report := func() bool {
					sent, err := client.ReportWhenDue(t.Context(), waggle.Location{Available: new(false), Tags: new([]string{"xl"})})
					if err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					return sent
				}
				if !report() {
					t.Error("the first one is not due")
				}
				for after := time.Second; after < time.Minute; after += time.Second {
					time.Sleep(time.Second)
					if report() {
						if after != c.want {
							t.Errorf("due again after %v, want %v", after, c.want)
						}
						return
					}
				}
				if c.want != 0 {
					t.Error("not due again in a minute")
				}
			})
		})
	}
}

// A server that has restarted knows nothing of the member; and a report may be lost with
// its connection.
func TestANewSessionStartsWithWhatIsKnown(t *testing.T) {
	var reports []string
	script := func(s *waggletest.Socket) {
		s.Welcome(&waggle.Welcome{Report: waggle.Report{AfterSeconds: 300, MoveMeters: 1000}})
		for n := 0; ; n++ {
			m, ok := s.Await("location")
			if !ok {
				return
			}
			reports = append(reports, fmt.Sprint(s.Attempt, " ", said(m)))
			switch s.Attempt {
			case 0:
				return // the connection is cut
			case 1:
				if n == 0 {
					s.Push(&waggle.Welcome{}) // the server has lost what it knew
				}
			}
		}
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		for _, l := range []waggle.Location{{Available: new(false), Tags: new([]string{"xl"})}, {}, {}, {}, {Available: new(true)}, {}} {
			if _, err := c.ReportWhenDue(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		c.Drop()
		time.Sleep(time.Second)
		if sent, err := c.ReportWhenDue(t.Context(), waggle.Location{}); err != nil || !sent {
			t.Errorf("after a reconnect: got %t, %v, want a report", sent, err)
		}
		synctest.Wait()
		// A consent is not given once more without the member.
		want := []string{"0 false [xl]", "1 false [xl]", "1 false [xl]", "1 true -", "2 - [xl]"}
		if diff := cmp.Diff(want, reports); diff != "" {
			t.Errorf("reports: got +, want -\n%s", diff)
		}
	})
}

// A new token may allow fewer tags.
func TestTagsThatAreNoLongerAllowedAreSaidOnce(t *testing.T) {
	var reports []string
	script := func(s *waggletest.Socket) {
		s.Welcome(&waggle.Welcome{Report: waggle.Report{AfterSeconds: 300}})
		for m, ok := s.Await("location"); ok; m, ok = s.Await("location") {
			reports = append(reports, said(m))
			if s.Attempt == 1 && m.Tags != nil {
				s.Push(&waggle.ErrorFrame{Code: waggle.CodeForbidden})
			}
		}
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		for i, l := range []waggle.Location{{Tags: new([]string{"xl"})}, {}, {}, {}, {}} {
			if _, err := c.ReportWhenDue(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				c.Drop()
			}
			time.Sleep(time.Second)
		}
		if diff := cmp.Diff([]string{"- [xl]", "- [xl]", "- -"}, reports); diff != "" {
			t.Errorf("reports: got +, want -\n%s", diff)
		}
	})
}

func TestWhatCouldNotBeSentGoesAlongWithTheNextReport(t *testing.T) {
	var got [][]waggle.Fix
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		for m, ok := s.Await("location"); ok && s.Attempt > 0; m, ok = s.Await("location") {
			got = append(got, m.Points)
			s.Push(&waggle.Ack{})
		}
	}
	inBubble(t, script, func(fx *fixture) {
		fx.Refuse(0, 503)
		c := fx.connect()
		defer c.Close()
		report := func(lat float64) error {
			return c.Report(t.Context(), waggle.Location{Lat: lat, Lng: -122, Motion: waggle.Motion{Speed: new(math.NaN())}})
		}
		_ = report(1) // the server cuts the connection
		synctest.Wait()
		for n := range 110 {
			if err := report(2 + float64(n)/1000); !errors.Is(err, waggle.ErrOffline) {
				t.Fatalf("got %v, want ErrOffline", err)
			}
		}
		time.Sleep(time.Minute)
		for _, lat := range []float64{3, 4} {
			if err := report(lat); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if len(got) != 2 || len(got[0]) != 100 || len(got[1]) != 0 {
			t.Fatalf("got %v, want 100 positions and then one", got)
		}
		first, last := got[0][0], got[0][99]
		if first.Lat != 2.011 || last.Lat != 3 || last.At-first.At != time.Minute.Milliseconds() || last.Seq != first.Seq+99 {
			t.Errorf("got %+v to %+v", first, last)
		}
	})
}

// A program may give times of its own, and the server takes positions in order only.
func TestPositionsThatCouldNotBeSentAreInOrder(t *testing.T) {
	var got []waggle.Fix
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		if m, ok := s.Await("location"); ok && s.Attempt > 0 {
			got = m.Points
		}
	}
	inBubble(t, script, func(fx *fixture) {
		fx.Refuse(0, 503)
		c := fx.connect()
		defer c.Close()
		for _, at := range []int64{1, 5, 3, 9} { // the first one cuts the connection
			_ = c.Report(t.Context(), waggle.Location{At: &at})
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		if err := c.Report(t.Context(), waggle.Location{At: new(int64(7))}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var order []int64
		for _, p := range got {
			order = append(order, p.At)
		}
		if diff := cmp.Diff([]int64{3, 5, 7}, order); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
