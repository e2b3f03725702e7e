package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

// A place is where a day is played: a scope, and the cluster that it started.
type place struct {
	*scope.Scope
	cluster *caches.Cluster // nil: none was started
}

// startCluster starts a cluster, and returns its URL.
func (s *place) startCluster(out io.Writer) string {
	s.cluster = caches.StartCluster(s)
	fmt.Fprintf(out, "on a %s, of %d nodes\n", s.cluster.Name, len(s.cluster.Nodes))
	return s.cluster.URL
}

// printMemory prints the peak memory of the node that used most.
func (s *place) printMemory(out io.Writer) {
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
