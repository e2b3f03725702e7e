package switches

import (
	"math"
	"testing"
)

func TestOneIsOn(t *testing.T) {
	for _, test := range []struct {
		setting                    string
		yes, no, below, same, sum  any
		always, never, contrary, n int
	}{
		{"", true, false, true, false, 5, 1, 2, 3, 4},
		{"1", true, true, true, false, 5, 1, 2, 3, 4},
		{"2", false, false, true, false, 5, 1, 2, 3, 4},
		{"3", false, true, true, false, 5, 1, 2, 3, 4},
		{"4", true, false, true, true, 1, 1, 2, 3, 4},
		{"", true, false, true, false, 5, 0, 0, 0, 0},
		{Watch, true, false, true, false, 5, 1, 2, 3, 4},
	} {
		b := newBoard(test.setting)
		got := []any{b.condition(test.always, test.never, test.contrary, true), b.condition(test.always, test.never, test.contrary, false),
			order(b, test.n, "<", 1, 2), order(b, test.n, "<", 2, 2), add(b, test.n, 3, 2)}
		for i, want := range []any{test.yes, test.no, test.below, test.same, test.sum} {
			if got[i] != want {
				t.Errorf("%q, %d: got %v, want %v", test.setting, i, got[i], want)
			}
		}
	}
}

func TestBoundaries(t *testing.T) {
	for operator, want := range map[string][3]bool{"<": {true, true, false}, "<=": {true, false, false}, ">": {false, true, true}, ">=": {false, false, true}} {
		b := newBoard("7")
		if got := [3]bool{order(b, 7, operator, 1, 2), order(b, 7, operator, 2, 2), order(b, 7, operator, 3, 2)}; got != want {
			t.Errorf("the other side of %s: got %v, want %v", operator, got, want)
		}
		if order(b, 8, operator, 2, 2) == want[1] {
			t.Errorf("%s: another's mutant is on", operator)
		}
	}
	if got := subtract(newBoard("7"), 7, 3, 2); got != 5 {
		t.Errorf("got %d for 3 and 2 not subtracted, want 5", got)
	}
}

// A mutant is printed where it would make a difference, and once.
func TestWatch(t *testing.T) {
	b := newBoard(Watch)
	b.condition(1, 2, 3, true)
	order(b, 4, "<", 1, 2)
	order(b, 5, "<", 2, 2)
	add(b, 6, 1, 0)
	subtract(b, 7, 1, 1)
	add(b, 8, math.Copysign(0, -1), 0)
	for mutant, want := range map[int]bool{1: false, 2: true, 3: true, 4: false, 5: true, 6: false, 7: true, 8: true} {
		if _, got := b.seen.Load(mutant); got != want {
			t.Errorf("mutant %d: got seen %v, want %v", mutant, got, want)
		}
	}
}

func TestWhatIsOutsideChangesNothing(t *testing.T) {
	if Skip(1) || !If(1, 2, 3, true) || !Order(4, "<", 1, 2) || Add(5, 1, 2) != 3 || Subtract(6, 3, 2) != 1 || Error(7, nil) != nil {
		t.Error("a mutant is on without " + Variable)
	}
}
