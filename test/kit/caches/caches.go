// Package caches starts the caches that tests run on: the embedded one, real servers and
// a real cluster. A test of Waggle runs on Each. A test of the contract, which every
// cache must keep for Waggle, runs on Every.
package caches

import (
	"net"
	"testing"

	"waggle/localstack/embedded"
)

// Cache is one running cache.
type Cache struct {
	Name, URL string
	// Primaries is the number of nodes that have slots: 1 except in a cluster.
	Primaries int
}

// Each runs a test on the embedded cache and on a real single server. With -short, which is for the
// race detector, a server is enough where there is one: the detector is slow on the embedded cache.
func Each(t *testing.T, test func(*testing.T, Cache)) {
	if !testing.Short() || !haveServer() {
		t.Run("embedded", func(t *testing.T) { test(t, Embedded(t)) })
	}
	t.Run("server", func(t *testing.T) { test(t, Server(t)) })
}

// Every runs a test on the embedded cache, on a Valkey server, on a Redis server and on
// a real cluster.
func Every(t *testing.T, test func(*testing.T, Cache)) {
	t.Run("embedded", func(t *testing.T) { test(t, Embedded(t)) })
	t.Run("valkey", func(t *testing.T) { test(t, Valkey(t)) })
	t.Run("redis", func(t *testing.T) { test(t, Redis(t)) })
	t.Run("cluster", func(t *testing.T) { test(t, StartCluster(t).Cache) })
}

// Embedded starts an empty embedded cache.
func Embedded(t testing.TB) Cache {
	t.Helper()
	c, err := embedded.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return Cache{Name: "embedded", URL: c.URL(), Primaries: 1}
}

// FreePort returns a port that nothing listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
