// Package switches is what mutated sources call: each mutant is a number, and the
// environment variable WAGGLE_GUARD names the one that is on in this process. With
// "watch" none is, and each prints "guard:7;" the first time that it would make a
// difference. Package mutant puts the calls in, in a build that nothing else uses.
package switches

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"sync"
)

// Variable names the mutant that is on, or is Watch.
const (
	Variable = "WAGGLE_GUARD"
	Watch    = "watch"
)

// A board is the state of all switches. Mutants are anywhere in the code, so there is
// but one: it does not change after the start, but for what was printed already.
type board struct {
	on      int // 0: none
	watched bool
	seen    sync.Map // mutants that have been printed
}

var only = newBoard(os.Getenv(Variable))

func newBoard(setting string) *board {
	if setting == Watch {
		return &board{watched: true}
	}
	on, err := strconv.Atoi(setting)
	if err != nil && setting != "" {
		panic(Variable + " must be a number or " + Watch)
	}
	return &board{on: on}
}

// is tells whether a mutant is on, where it would make a difference.
func (b *board) is(mutant int, differs bool) bool {
	if b.watched && differs && mutant != 0 {
		if _, printed := b.seen.LoadOrStore(mutant, true); !printed {
			fmt.Printf("guard:%d;\n", mutant)
		}
	}
	return differs && mutant == b.on && mutant != 0
}

// If is a condition, or what the mutants make of it: always true, always false, or
// its contrary. 0 is no mutant.
func If(always, never, contrary int, condition bool) bool {
	return only.condition(always, never, contrary, condition)
}

func (b *board) condition(always, never, contrary int, condition bool) bool {
	if b.is(always, !condition) || b.is(never, condition) || b.is(contrary, true) {
		return !condition
	}
	return condition
}

// Order compares two values by <, <=, > or >=, or by the mutant's other side of the
// boundary.
func Order[T cmp.Ordered](mutant int, operator string, x, y T) bool {
	return order(only, mutant, operator, x, y)
}

func order[T cmp.Ordered](b *board, mutant int, operator string, x, y T) bool {
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
	return holds != b.is(mutant, x == y)
}

// A Number can be added.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr | ~float32 | ~float64
}

// Add adds, or by the mutant subtracts.
func Add[T Number](mutant int, x, y T) T { return add(only, mutant, x, y) }

// With two zeros it may be the sign that differs.
func add[T Number](b *board, mutant int, x, y T) T {
	if b.is(mutant, y != 0 || x == 0) {
		return x - y
	}
	return x + y
}

// Subtract subtracts, or by the mutant adds.
func Subtract[T Number](mutant int, x, y T) T { return subtract(only, mutant, x, y) }

func subtract[T Number](b *board, mutant int, x, y T) T {
	if b.is(mutant, y != 0 || x == 0) {
		return x + y
	}
	return x - y
}

// Skip tells whether a statement is left out.
func Skip(mutant int) bool { return only.is(mutant, true) }

// Error is an error, or by the mutant none.
func Error(mutant int, err error) error {
	if only.is(mutant, err != nil) {
		return nil
	}
	return err
}
