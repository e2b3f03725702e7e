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

// A stand is testing.TB as far as cachetest needs it, outside of a test.
type stand struct {
	testing.TB
	cleanups []func()
	running  *caches.Cluster
}

// A failure is what a stand is told to end with.
type failure string

// onStand does something, and cleans up behind it.
func onStand(do func(*stand) error) (err error) {
	s := &stand{}
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

func (s *stand) Helper()                           {}
func (s *stand) Cleanup(do func())                 { s.cleanups = append(s.cleanups, do) }
func (s *stand) Fatal(args ...any)                 { panic(failure(fmt.Sprint(args...))) }
func (s *stand) Fatalf(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }
func (s *stand) Skipf(format string, args ...any)  { s.Fatalf(format, args...) }

func (s *stand) TempDir() string {
	dir, err := os.MkdirTemp("", "waggle-day-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) }) // the system clears it otherwise
	return dir
}

// cluster starts one and returns its URL.
func (s *stand) cluster(out io.Writer) string {
	s.running = caches.StartCluster(s)
	fmt.Fprintf(out, "on a %s, of %d nodes\n", s.running.Name, len(s.running.Nodes))
	return s.running.URL
}

// memory says what the fullest node had.
func (s *stand) memory(out io.Writer) {
	if s.running == nil {
		return
	}
	most := 0
	for _, n := range s.running.Nodes {
		info, err := caches.Ask(n.Address, "INFO", "memory")
		if err != nil {
			return // its cluster is of no use any more
		}
		_, after, _ := strings.Cut(info, "\nused_memory_peak:")
		text, _, _ := strings.Cut(after, "\r\n")
		if bytes, err := strconv.Atoi(text); err == nil {
			most = max(most, bytes)
		}
	}
	fmt.Fprintf(out, "a node of the cluster took %d MiB at most\n", most>>20)
}
