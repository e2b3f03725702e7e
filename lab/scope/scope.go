// Package scope lets programs use the caches of the tests. Start at In.
package scope

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// A Scope is as much of a testing.TB as package caches needs, outside of a test.
type Scope struct {
	testing.TB
	cleanups []func()
}

// A failure is the argument of Fatal.
type failure string

// In calls do, and then the scope's cleanups. A call of Fatal ends do with that error.
func In(do func(*Scope) error) (err error) {
	s := &Scope{}
	defer func() {
		for i := len(s.cleanups) - 1; i >= 0; i-- {
			s.cleanups[i]()
		}
		switch r := recover().(type) {
		case nil:
		case failure:
			err = errors.New(string(r))
		default:
			panic(r)
		}
	}()
	return do(s)
}

// Helper implements testing.TB, as the other methods do.
func (s *Scope) Helper() {}

// Cleanup calls do after all that was given to Cleanup later.
func (s *Scope) Cleanup(do func()) { s.cleanups = append(s.cleanups, do) }

// Fatal ends In with an error.
func (s *Scope) Fatal(args ...any) { panic(failure(fmt.Sprint(args...))) }

// Fatalf ends In with an error.
func (s *Scope) Fatalf(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }

// Skipf ends In with an error: what a test skips without, a program needs.
func (s *Scope) Skipf(format string, args ...any) { s.Fatalf(format, args...) }

// TempDir returns an empty folder that is removed at the end.
func (s *Scope) TempDir() string {
	dir, err := os.MkdirTemp("", "waggle-lab-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) }) // a temporary folder, which the system clears otherwise
	return dir
}
