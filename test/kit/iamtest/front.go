package iamtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A Front is a proxy before a real server. As with IAM on ElastiCache, each connection
// must begin with HELLO and a user's token.
type Front struct {
	Address string

	t        testing.TB
	verify   func(user, token string) error
	server   string // host:port
	password string
	mu       sync.Mutex
	open     map[net.Conn]bool
	seen     []SignIn
	serving  sync.WaitGroup
}

// SignIn is one attempt to sign in. Refused is nil if it succeeded.
type SignIn struct {
	User, Token string
	Refused     error
}

// Refusal is an error of verify with the text that the front is to answer. Any other error has the
// answer that a server gives to a wrong password.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// StartFront serves the listener, which may speak TLS, until the test ends. It passes the
// clients that verify accepts on to the server at that address, and signs in there as the
// default user with the password.
func StartFront(t testing.TB, l net.Listener, server, password string, verify func(user, token string) error) *Front {
	f := &Front{Address: l.Addr().String(), t: t, verify: verify, server: server, password: password, open: map[net.Conn]bool{}}
	f.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // it was closed
			}
			f.serving.Go(func() { f.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		f.Drop()
		f.serving.Wait()
	})
	return f
}

// Drop closes all connections, as ElastiCache does after 12 hours.
func (f *Front) Drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		c.Close()
	}
	clear(f.open)
}

// SignIns returns the attempts so far.
func (f *Front) SignIns() []SignIn {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]SignIn(nil), f.seen...)
}

func (f *Front) serve(client net.Conn) {
	defer client.Close()
	f.keep(client)
	from := bufio.NewReader(client)
	for {
		words, err := readCommand(from)
		if err != nil {
			return
		}
		if len(words) != 5 || words[0] != "HELLO" || words[2] != "AUTH" {
			fmt.Fprint(client, "-NOAUTH HELLO must be called with the client already authenticated\r\n")
			continue
		}
		refused := f.verify(words[3], words[4])
		f.mu.Lock()
		f.seen = append(f.seen, SignIn{words[3], words[4], refused})
		f.mu.Unlock()
		if refused != nil {
			text, is := refused.(Refusal)
			if !is {
				text = "WRONGPASS invalid username-password pair or user is disabled."
			}
			fmt.Fprintf(client, "-%s\r\n", string(text))
			continue
		}
		f.pass(client, from)
		return
	}
}

// pass connects a client that has signed in to the server, until either closes.
func (f *Front) pass(client net.Conn, from io.Reader) {
	server, err := net.Dial("tcp", f.server)
	if err != nil {
		f.t.Errorf("front: %v", err)
		return
	}
	defer server.Close()
	f.keep(server)
	fmt.Fprintf(server, "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$%d\r\n%s\r\n", len(f.password), f.password)
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, server)
		client.Close()
	})
	_, _ = io.Copy(server, from)
	server.Close()
	back.Wait()
}

// keep notes a connection for Drop.
func (f *Front) keep(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open[c] = true
}

// readCommand reads one command in the form that clients send: an array of strings.
func readCommand(r *bufio.Reader) ([]string, error) {
	count, err := readLength(r, '*')
	if err != nil {
		return nil, err
	}
	words := make([]string, count)
	for i := range words {
		length, err := readLength(r, '$')
		if err != nil {
			return nil, err
		}
		text := make([]byte, length+2)
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, err
		}
		words[i] = string(text[:length])
	}
	return words, nil
}

func readLength(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, errors.New("not a command")
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}
