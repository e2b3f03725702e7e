// Package scope lets a program start the caches that tests run on. In calls a function, and
// then the cleanups of everything that the function started.
package scope

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// A Scope is as much of a testing.TB as the package caches needs, outside of a test.
type Scope struct {
	testing.TB
	cleanups []func()
}

// A failure is the argument of Fatal.
type failure string

// In calls do, and then the scope's cleanups. It returns the error of do or of Fatal.
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

// Helper implements testing.TB.
func (s *Scope) Helper() {}

// Cleanup implements testing.TB.
func (s *Scope) Cleanup(do func()) { s.cleanups = append(s.cleanups, do) }

// Fatal implements testing.TB: In returns the error.
func (s *Scope) Fatal(args ...any) { panic(failure(fmt.Sprint(args...))) }

// Fatalf implements testing.TB.
func (s *Scope) Fatalf(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }

// Skipf implements testing.TB: a program skips nothing.
func (s *Scope) Skipf(format string, args ...any) { s.Fatalf(format, args...) }

// TempDir implements testing.TB.
func (s *Scope) TempDir() string {
	dir, err := os.MkdirTemp("", "waggle-lab-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) }) // a temporary folder, which the system clears otherwise
	return dir
}
