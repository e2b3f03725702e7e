package town

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/lab/trace"
	"waggle/test/kit"
)

const midnight = 1_780_038_000

// evening is an hour of ten members.
func evening(t *testing.T) Config {
	return Config{Seed: kit.Seed(t), Members: 10, Midnight: midnight, From: midnight + 18*3600, To: midnight + 19*3600, Every: 1}
}

func rows(t *testing.T, c Config) []trace.Row {
	t.Helper()
	var all []trace.Row
	if err := Trace(t.Context(), c, func(r trace.Row) error { all = append(all, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAMemberReportsEachSecond(t *testing.T) {
	c := evening(t)
	last := map[string]trace.Row{}
	moving, seconds := 0, 0
	for _, r := range rows(t, c) {
		before, seen := last[r.Cab]
		if seen && r.Unix <= before.Unix {
			t.Fatalf("got %+v after %+v", r, before)
		}
		if seen && r.Unix == before.Unix+1 {
			seconds++
			if r.Lat != before.Lat || r.Lng != before.Lng {
				moving++
			}
		}
		if r.Unix < c.From || r.Unix >= c.To {
			t.Fatalf("got a report at %d, want from %d to %d", r.Unix, c.From, c.To)
		}
		last[r.Cab] = r
	}
	if most := c.Members * 3600; seconds < most/3 || seconds > most || moving < seconds/5 || moving > 9*seconds/10 {
		t.Errorf("got %d seconds of members seen, in %d they moved", seconds, moving)
	}
}

// A member reports the end of a fare before it goes offline. Otherwise the fare would
// seem to last until it is back.
func TestFaresEndBeforeTimeOff(t *testing.T) {
	c := evening(t)
	c.From, c.To, c.Every = midnight, midnight+86400, 60
	last, silences := map[string]trace.Row{}, 0
	for _, r := range rows(t, c) {
		if before, seen := last[r.Cab]; seen && r.Unix > before.Unix+c.Every {
			silences++
			if before.Occupied {
				t.Errorf("got nothing between %+v and %+v", before, r)
			}
		}
		last[r.Cab] = r
	}
	if silences < c.Members {
		t.Errorf("got %d times off of %d members in a day", silences, c.Members)
	}
}

// A part of the time has the same rows in any longer trace, and a member has the same rows
// whatever other members there are. Another rate only adds or leaves out rows.
func TestAPartHasTheRowsOfTheWhole(t *testing.T) {
	c := evening(t)
	whole := rows(t, c)
	of := func(keep func(trace.Row) bool) []trace.Row {
		return slices.DeleteFunc(slices.Clone(whole), func(r trace.Row) bool { return !keep(r) })
	}
	if diff := cmp.Diff(whole, rows(t, c)); diff != "" {
		t.Errorf("repeated: got +, want -\n%s", diff)
	}
	part := c
	part.From, part.To = c.From+600, c.To-600
	if diff := cmp.Diff(of(func(r trace.Row) bool { return r.Unix >= part.From && r.Unix < part.To }), rows(t, part)); diff != "" {
		t.Errorf("a part: got +, want -\n%s", diff)
	}
	fewer := c
	fewer.Members = 4
	if diff := cmp.Diff(of(func(r trace.Row) bool { return r.Cab <= "cab-0004" }), rows(t, fewer)); diff != "" {
		t.Errorf("fewer members: got +, want -\n%s", diff)
	}
	seldom := c
	seldom.Every = 60
	got := rows(t, seldom)
	if len(got) < len(whole)/80 || len(got) > len(whole)/40 {
		t.Errorf("once a minute: got %d rows of %d", len(got), len(whole))
	}
	for _, r := range got {
		if !slices.Contains(whole, r) {
			t.Fatalf("once a minute: got %+v, which is not among all", r)
		}
	}
	if all, few := trace.Cut(whole, c.From, c.To, 0).Fares, trace.Cut(got, c.From, c.To, 0).Fares; len(few) == 0 || len(all) < len(few) || len(all) > len(few)+c.Members {
		t.Errorf("once a minute: got %d fares, of %d", len(few), len(all))
	}
	other := c
	other.Seed++
	if slices.Equal(whole, rows(t, other)) {
		t.Error("another seed gives the same")
	}
}

func TestTraceStopsWithItsContextOrAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	parts := []float64{}
	c := evening(t)
	c.Progress = func(part float64) {
		if parts = append(parts, part); part > 0.1 {
			cancel()
		}
	}
	err := Trace(ctx, c, func(trace.Row) error { t.Error("it went on"); return nil })
	if !errors.Is(err, context.Canceled) || !slices.IsSorted(parts) || parts[len(parts)-1] > 0.11 {
		t.Errorf("got %v after %v", err, parts)
	}
	full := errors.New("no space left")
	if err := Trace(t.Context(), evening(t), func(trace.Row) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}
