package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"waggle/clients/go/waggle"
	"waggle/cmd/waggle/internal/endpoint"
)

const shellText = `
waggle shell connects as a member and speaks the protocol: each line typed is
sent as a frame (→), each frame received is shown (←).

A line is a frame in JSON, or short for one:
  hello                               {"action":"hello"}
  location 37.77 -122.42              {"action":"location","lat":37.77,"lng":-122.42}
  match radius=3000 wait=30           {"action":"match","radius":3000,"wait":30}
  locate, cancel, ping
  end                                 ends the last match that was shown
  any-action name=value a=[1,2]       values are JSON, or else text
  quit                                (or the end of input)

Nothing is said but what is typed: not even hello. It works from a pipe too:
  printf 'location 37.77 -122.42 id=1\nhello\n' | waggle shell -as ana
With two of them, one as ana and one as ben, a match can be played by hand.`

func shell(ctx context.Context, c console, args []string) error {
	f := newFlags(c, "shell", shellText)
	as := f.String("as", "ana", "`member` to be")
	url := f.String("url", endpoint.Local, "`URL` of a local stack, or of the WebSocket API")
	command := f.String("token-command", "", "`command` that prints a token for {member} in {pool}; it is run without a shell")
	pool := f.String("pool", "", "`pool` to be in (default: the token's own default)")
	tags := f.String("tags", "", "`tags` of the member, with commas between")
	linger := f.Duration("linger", time.Second, "how long to wait for answers after the end of input")
	operands, err := parse(c, f, args)
	if err != nil {
		return err
	}
	if err := expect(f, operands); err != nil {
		return err
	}
	at, err := endpoint.Parse(*url, *command)
	if err != nil {
		return misuse{err}
	}
	member := endpoint.Member{ID: *as, Pool: *pool}
	if err := member.Check(); err != nil {
		return misuse{err}
	}
	if *tags != "" {
		member.Tags = strings.Split(*tags, ",")
	}
	s := &session{screen: newScreen(c), linger: *linger}
	o := at.Options(member)
	o.OnFrame = s.screen.frame
	if s.conn, err = waggle.Dial(ctx, o); err != nil {
		return at.Explain(err)
	}
	s.screen.say("connected as %s to %s", *as, at.Socket)
	return s.run(ctx, c.in)
}

// A session is one connection with a person, or a pipe, at it.
type session struct {
	conn   *waggle.Conn
	screen *screen
	linger time.Duration

	mu    sync.Mutex
	match string // the last one shown
}

// run ends with the input, the connection or ctx. The goroutine that reads the
// input may outlive it, since a terminal cannot be told to stop waiting; the
// program ends then.
func (s *session) run(ctx context.Context, in io.Reader) error {
	closed := make(chan error, 1)
	receiving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var receiver sync.WaitGroup
	receiver.Go(func() { closed <- s.receive(receiving) })
	defer receiver.Wait()
	defer stop()
	defer s.conn.Close()

	lines := make(chan string)
	ended := make(chan error, 1)
	go func() {
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, 1<<20) // longer than any frame may be: the server is to say so
		for scanner.Scan() {
			lines <- scanner.Text()
		}
		ended <- scanner.Err()
	}()
	for {
		s.screen.prompt()
		select {
		case line := <-lines:
			if quit := s.line(ctx, line); quit {
				return nil
			}
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("read the input: %w", err)
			}
			return s.wait(ctx, closed)
		case err := <-closed:
			return s.lost(err)
		case <-ctx.Done():
			return nil
		}
	}
}

// wait gives the last answers time to come.
func (s *session) wait(ctx context.Context, closed <-chan error) error {
	select {
	case <-time.After(s.linger):
		return nil
	case err := <-closed:
		return s.lost(err)
	case <-ctx.Done():
		return nil
	}
}

func (s *session) lost(err error) error {
	if errors.Is(err, io.EOF) {
		s.screen.say("the server closed the connection")
		return nil
	}
	return fmt.Errorf("the connection is lost: %w", err)
}

// line sends what was typed.
func (s *session) line(ctx context.Context, line string) (quit bool) {
	line = strings.TrimSpace(line)
	switch line {
	case "":
		return false
	case "quit", "exit":
		return true
	case "help", "?":
		s.screen.say("%s", strings.TrimSpace(shellText))
		return false
	}
	s.mu.Lock()
	match := s.match
	s.mu.Unlock()
	raw, err := expand(line, match)
	if err != nil {
		s.screen.say("%v", err)
		return false
	}
	// A failure shows where the connection is read.
	_ = s.conn.Send(ctx, raw)
	return false
}

func (s *session) receive(ctx context.Context) error {
	for {
		raw, err := s.conn.Receive(ctx)
		if err != nil {
			return err
		}
		f, err := waggle.DecodeFrame(raw)
		if err != nil {
			continue // it has been shown
		}
		s.mu.Lock()
		switch f := f.(type) {
		case *waggle.Matched:
			s.match = f.Match
		case *waggle.Welcome:
			if f.Match != nil {
				s.match = f.Match.Match
			}
		}
		s.mu.Unlock()
	}
}

// A screen shows frames as they come and go, with a prompt only where a
// person types.
type screen struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	prompted bool
}

func newScreen(c console) *screen {
	in, ok := c.in.(*os.File)
	return &screen{w: c.out, terminal: ok && term.IsTerminal(int(in.Fd()))}
}

func (s *screen) frame(dir waggle.Direction, raw []byte, at time.Time) {
	arrow := "→"
	if dir == waggle.Received {
		arrow = "←"
	}
	s.say("%s %s %s", at.Format("15:04:05.000"), arrow, raw)
}

func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	again := s.prompted
	if again {
		fmt.Fprint(s.w, "\r") // over the prompt
	}
	fmt.Fprintf(s.w, format+"\n", args...)
	if again {
		fmt.Fprint(s.w, "> ")
	}
}

func (s *screen) prompt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal {
		fmt.Fprint(s.w, "\r> ")
		s.prompted = true
	}
}
