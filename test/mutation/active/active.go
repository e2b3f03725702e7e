// Package active runs the one mutant that the environment activates in a test process.
// Mutated Go sources call If, Order, Add, Subtract, Skip and Error; package golang puts
// the calls in, in a build that nothing else uses. Tests run Lua scripts through Script.
// Without the variables of this package, nothing is mutated.
package active

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"sync"
)

// The environment variable Variable is the number of the active mutant. If it is
// Observe, no mutant is active, and each prints "mutant:7;", with its number, the first
// time that it would change a value.
const (
	Variable = "WAGGLE_MUTANT"
	Observe  = "observe"
)

// A selection says which mutant is active. Mutated code calls this package from
// anywhere, so a process has one selection. It does not change after the start, except
// for the mutants that have been printed.
type selection struct {
	active   int // 0: none
	observed bool
	printed  sync.Map
}

var process = newSelection(os.Getenv(Variable))

func newSelection(setting string) *selection {
	if setting == Observe {
		return &selection{observed: true}
	}
	active, err := strconv.Atoi(setting)
	if err != nil && setting != "" {
		panic(Variable + " must be a number or " + Observe)
	}
	return &selection{active: active}
}

// changes reports whether a mutant is active and changes a value here. 0 is no mutant.
func (s *selection) changes(mutant int, differs bool) bool {
	if s.observed && differs && mutant != 0 {
		if _, printed := s.printed.LoadOrStore(mutant, true); !printed {
			fmt.Printf("mutant:%d;\n", mutant)
		}
	}
	return differs && mutant == s.active && mutant != 0
}

// If returns a condition, or what one of its three mutants makes of it: always true,
// always false, or negated. 0 is no mutant.
func If(always, never, negated int, condition bool) bool {
	return process.condition(always, never, negated, condition)
}

func (s *selection) condition(always, never, negated int, condition bool) bool {
	if s.changes(always, !condition) || s.changes(never, condition) || s.changes(negated, true) {
		return !condition
	}
	return condition
}

// Order compares two values by <, <=, > or >=. The mutant moves the boundary: it takes
// <= for <, and so on.
func Order[T cmp.Ordered](mutant int, operator string, x, y T) bool {
	return order(process, mutant, operator, x, y)
}

func order[T cmp.Ordered](s *selection, mutant int, operator string, x, y T) bool {
	var holds bool
	switch operator {
	case "<":
		holds = x < y
	case "<=":
		holds = x <= y
	case ">":
		holds = x > y
	case ">=":
		holds = x >= y
	}
	return holds != s.changes(mutant, x == y)
}

// A Number can be added.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr | ~float32 | ~float64
}

// Add adds; the mutant subtracts.
func Add[T Number](mutant int, x, y T) T { return add(process, mutant, x, y) }

// With two zeros, the sign may differ.
func add[T Number](s *selection, mutant int, x, y T) T {
	if s.changes(mutant, y != 0 || x == 0) {
		return x - y
	}
	return x + y
}

// Subtract subtracts; the mutant adds.
func Subtract[T Number](mutant int, x, y T) T { return subtract(process, mutant, x, y) }

func subtract[T Number](s *selection, mutant int, x, y T) T {
	if s.changes(mutant, y != 0 || x == 0) {
		return x + y
	}
	return x - y
}

// Skip reports whether the mutant that deletes a statement is active.
func Skip(mutant int) bool { return process.changes(mutant, true) }

// Error returns err; the mutant returns nil.
func Error(mutant int, err error) error {
	if process.changes(mutant, err != nil) {
		return nil
	}
	return err
}
