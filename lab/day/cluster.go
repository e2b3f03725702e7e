package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"waggle/test/kit/caches"
)

// A scope is as much of a testing.TB as caches.StartCluster needs, outside of a test.
type scope struct {
	testing.TB
	cleanups []func()
	cluster  *caches.Cluster // nil: none was started
}

// A failure is the argument of Fatal.
type failure string

// inScope calls do, and then the scope's cleanups.
func inScope(do func(*scope) error) (err error) {
	s := &scope{}
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

func (s *scope) Helper()                           {}
func (s *scope) Cleanup(do func())                 { s.cleanups = append(s.cleanups, do) }
func (s *scope) Fatal(args ...any)                 { panic(failure(fmt.Sprint(args...))) }
func (s *scope) Fatalf(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }
func (s *scope) Skipf(format string, args ...any)  { s.Fatalf(format, args...) }

func (s *scope) TempDir() string {
	dir, err := os.MkdirTemp("", "waggle-day-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) }) // a temporary folder, which the system clears otherwise
	return dir
}

// startCluster starts a cluster, and returns its URL.
func (s *scope) startCluster(out io.Writer) string {
	s.cluster = caches.StartCluster(s)
	fmt.Fprintf(out, "on a %s, of %d nodes\n", s.cluster.Name, len(s.cluster.Nodes))
	return s.cluster.URL
}

// printMemory prints the peak memory of the node that used most.
func (s *scope) printMemory(out io.Writer) {
	if s.cluster == nil {
		return
	}
	most := 0
	for _, n := range s.cluster.Nodes {
		info, err := caches.Ask(n.Address, "INFO", "memory")
		if err != nil {
			return // the cluster is already down, and the verdict shows that
		}
		_, after, _ := strings.Cut(info, "\nused_memory_peak:")
		text, _, _ := strings.Cut(after, "\r\n")
		if bytes, err := strconv.Atoi(text); err == nil {
			most = max(most, bytes)
		}
	}
	fmt.Fprintf(out, "a node of the cluster took %d MiB at most\n", most>>20)
}
