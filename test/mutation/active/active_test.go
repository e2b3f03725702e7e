package active

import (
	"math"
	"testing"
)

func TestOnlyTheActiveMutantChangesValues(t *testing.T) {
	for _, test := range []struct {
		setting                   string
		yes, no, below, same, sum any
		always, never, negated, n int
	}{
		{"", true, false, true, false, 5, 1, 2, 3, 4},
		{"1", true, true, true, false, 5, 1, 2, 3, 4},
		{"2", false, false, true, false, 5, 1, 2, 3, 4},
		{"3", false, true, true, false, 5, 1, 2, 3, 4},
		{"4", true, false, true, true, 1, 1, 2, 3, 4},
		{"", true, false, true, false, 5, 0, 0, 0, 0},
		{Observe, true, false, true, false, 5, 1, 2, 3, 4},
	} {
		s := newSelection(test.setting)
		got := []any{s.condition(test.always, test.never, test.negated, true), s.condition(test.always, test.never, test.negated, false),
			order(s, test.n, "<", 1, 2), order(s, test.n, "<", 2, 2), add(s, test.n, 3, 2)}
		for i, want := range []any{test.yes, test.no, test.below, test.same, test.sum} {
			if got[i] != want {
				t.Errorf("%q, %d: got %v, want %v", test.setting, i, got[i], want)
			}
		}
	}
}

func TestAMutantMovesTheBoundary(t *testing.T) {
	for operator, want := range map[string][3]bool{"<": {true, true, false}, "<=": {true, false, false}, ">": {false, true, true}, ">=": {false, false, true}} {
		s := newSelection("7")
		if got := [3]bool{order(s, 7, operator, 1, 2), order(s, 7, operator, 2, 2), order(s, 7, operator, 3, 2)}; got != want {
			t.Errorf("the boundary of %s: got %v, want %v", operator, got, want)
		}
		if order(s, 8, operator, 2, 2) == want[1] {
			t.Errorf("%s: the mutant of another comparison is active", operator)
		}
	}
	if got := subtract(newSelection("7"), 7, 3, 2); got != 5 {
		t.Errorf("got %d for the mutant of 3 - 2, want 5", got)
	}
}

// A mutant is printed the first time that it would change a value, and only then.
func TestAnObservedMutantIsPrintedOnce(t *testing.T) {
	s := newSelection(Observe)
	s.condition(1, 2, 3, true)
	order(s, 4, "<", 1, 2)
	order(s, 5, "<", 2, 2)
	add(s, 6, 1, 0)
	subtract(s, 7, 1, 1)
	add(s, 8, math.Copysign(0, -1), 0)
	for mutant, want := range map[int]bool{1: false, 2: true, 3: true, 4: false, 5: true, 6: false, 7: true, 8: true} {
		if _, got := s.printed.Load(mutant); got != want {
			t.Errorf("mutant %d: got printed %v, want %v", mutant, got, want)
		}
	}
}

func TestWithoutTheVariableNothingChanges(t *testing.T) {
	if Skip(1) || !If(1, 2, 3, true) || !Order(4, "<", 1, 2) || Add(5, 1, 2) != 3 || Subtract(6, 3, 2) != 1 || Error(7, nil) != nil {
		t.Error("a mutant is active without " + Variable)
	}
}
