// Package cachetest starts the caches that tests run on: the embedded one, and
// the real servers that are installed. What is true on one must be on all.
package cachetest

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"waggle/internal/embedded"
	"waggle/internal/need"
)

// Cache is one running cache.
type Cache struct {
	Name, URL string
}

// Each runs a test on the embedded cache and on a real single server.
func Each(t *testing.T, test func(*testing.T, Cache)) {
	t.Run("embedded", func(t *testing.T) { test(t, Embedded(t)) })
	t.Run("server", func(t *testing.T) { test(t, Server(t)) })
}

// Embedded starts an empty embedded cache.
func Embedded(t testing.TB) Cache {
	t.Helper()
	c, err := embedded.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return Cache{Name: "embedded", URL: c.URL()}
}

// Server starts an empty real server: Valkey where it is installed, else Redis.
// It takes further arguments of the server's command line.
func Server(t testing.TB, arguments ...string) Cache {
	t.Helper()
	name := "valkey-server"
	path, err := exec.LookPath(name)
	if err != nil {
		name = "redis-server"
		path = need.Command(t, name, name)
	}
	port := FreePort(t)
	command := exec.Command(path, append([]string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "",
		"--appendonly", "no", "--dir", t.TempDir()}, arguments...)...)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !answers(address) {
		if ctx.Err() != nil {
			t.Fatalf("%s does not answer at %s", name, address)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return Cache{Name: name, URL: "redis://" + address}
}

func answers(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	reply := make([]byte, 7)
	n, err := c.Read(reply)
	// A server that wants a password first answers too.
	return err == nil && (string(reply[:n]) == "+PONG\r\n" || string(reply[:n]) == "-NOAUTH")
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
