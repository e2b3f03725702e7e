package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A conn is one connection to a server that speaks the protocol of Redis. Waggle's own client
// has no plain commands, and the same client for all peers makes them comparable.
type conn struct {
	net.Conn
	r   *bufio.Reader
	w   *bufio.Writer
	pid string // not "": cpu reads the times of this process, as Tile38 has no INFO cpu
}

func dial(address string) (*conn, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, 1<<16), w: bufio.NewWriterSize(c, 1<<16)}, nil
}

// do sends commands in one trip, and returns their replies: a string, an int64, nil or a
// []any of these. The first error reply is the error.
func (c *conn) do(commands ...[]string) ([]any, error) {
	for _, words := range commands {
		fmt.Fprintf(c.w, "*%d\r\n", len(words))
		for _, word := range words {
			fmt.Fprintf(c.w, "$%d\r\n%s\r\n", len(word), word)
		}
	}
	if err := c.w.Flush(); err != nil {
		return nil, err
	}
	replies := make([]any, len(commands))
	var first error
	for i := range commands {
		reply, err := c.read()
		if _, refused := err.(refusal); err != nil && !refused {
			return nil, err
		}
		if err != nil && first == nil {
			first = fmt.Errorf("%s: %w", commands[i][0], err)
		}
		replies[i] = reply
	}
	return replies, first
}

// one sends one command.
func (c *conn) one(words ...string) (any, error) {
	replies, err := c.do(words)
	if err != nil {
		return nil, err
	}
	return replies[0], nil
}

// A refusal is an error reply.
type refusal string

func (r refusal) Error() string { return string(r) }

func (c *conn) read() (any, error) {
	line, err := c.r.ReadString('\n')
	if err != nil || len(line) < 3 {
		return nil, errors.Join(err, io.ErrUnexpectedEOF)
	}
	kind, text := line[0], strings.TrimSuffix(line[1:], "\r\n")
	switch kind {
	case '+':
		return text, nil
	case '-':
		return nil, refusal(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return nil, fmt.Errorf("a reply that begins with %q", line)
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil
	case kind == '$':
		b := make([]byte, n+2)
		_, err := io.ReadFull(c.r, b)
		return string(b[:n]), err
	}
	all := make([]any, n)
	var first error
	for i := range all {
		if all[i], err = c.read(); err != nil {
			if _, refused := err.(refusal); !refused {
				return nil, err
			}
			first = err
		}
	}
	return all, first
}

// cpu returns the processor time that the server has used.
func (c *conn) cpu() (time.Duration, error) {
	if c.pid != "" {
		return processTime(c.pid)
	}
	info, err := c.one("INFO", "cpu")
	if err != nil {
		return 0, err
	}
	var total float64
	for _, name := range []string{"used_cpu_sys", "used_cpu_user"} {
		seconds, err := strconv.ParseFloat(field(info.(string), name), 64)
		if err != nil {
			return 0, err
		}
		total += seconds
	}
	return time.Duration(total * float64(time.Second)), nil
}

// processTime adds up the times of a process's threads, which Linux counts in nanoseconds.
func processTime(pid string) (time.Duration, error) {
	threads, err := filepath.Glob("/proc/" + pid + "/task/*/schedstat")
	if err != nil || len(threads) == 0 {
		return 0, errors.Join(err, fmt.Errorf("the times of process %s cannot be read", pid))
	}
	var total time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // the thread has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(n)
	}
	return total, nil
}

// field returns the value of one line of INFO, "" if there is none.
func field(info, name string) string {
	_, after, _ := strings.Cut(info, "\n"+name+":")
	text, _, _ := strings.Cut(after, "\r\n")
	return text
}

// memory returns how many bytes the server uses, by its own count.
func (c *conn) memory() (int64, error) {
	info, err := c.one("INFO", "memory")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(field(info.(string), "used_memory"), 10, 64)
}
