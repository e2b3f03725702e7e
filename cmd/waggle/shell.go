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
	"waggle/cmd/waggle/cli"
	"waggle/cmd/waggle/endpoint"
)

const shellText = `
waggle shell connects as a member and speaks the protocol: it sends each line that
you type as a frame (→), and shows each frame that comes (←).

A line is a frame in JSON, or an abbreviation of one:
  hello                               {"action":"hello"}
  location 37.77 -122.42              {"action":"location","lat":37.77,"lng":-122.42}
  match radius=3000 wait=30           {"action":"match","radius":3000,"wait":30}
  match wait=60 radius=1000 widenTo=5000 widenSeconds=30
  locate, cancel, ping, nearby
  end                                 ends the match that was shown last
  say on my way                       says "on my way", or any JSON, to the other member of it
  any-action name=value a=[1,2]       a value that is not JSON is text; tags=a,b is a list
  quit                                (or the end of input)

It sends nothing by itself, not even hello. It reads from a pipe too:
  printf 'location 37.77 -122.42 id=1\nhello\n' | waggle shell -as ana
To play a match by hand, start two of them, one as ana and one as ben.`

func shell(ctx context.Context, c cli.Console, args []string) error {
	f := cli.Flags(c, "shell", shellText)
	as := f.String("as", "ana", "`member` to be")
	url := f.String("url", endpoint.Local, "`URL` of a local stack, or of the WebSocket API")
	command := f.String("token-command", "", "`command` that prints a token for {member} in {pool}; it is run without a shell")
	pool := f.String("pool", "", "`pool` to be in (default: the token's own default)")
	tags := f.String("tags", "", "`tags` of the member, with commas between")
	linger := f.Duration("linger", time.Second, "how long to wait for replies after the end of input")
	if _, err := cli.Parse(c, f, args); err != nil {
		return err
	}
	at, err := endpoint.Parse(*url, *command)
	if err != nil {
		return cli.Misuse("%w", err)
	}
	member := endpoint.Member{ID: *as, Pool: *pool}
	if *tags != "" {
		member.Tags = strings.Split(*tags, ",")
	}
	if err := member.Check(); err != nil {
		return cli.Misuse("%w", err)
	}
	if *linger < 0 {
		return cli.Misuse("-linger must not be below 0")
	}
	s := &session{screen: newScreen(c), linger: *linger}
	o := at.Options(member)
	o.OnFrame = s.screen.frame
	if s.conn, err = waggle.Dial(ctx, o); err != nil {
		return at.Explain(err)
	}
	s.screen.say("connected as %s to %s", *as, at.Socket)
	return s.run(ctx, c.In)
}

// A session is one connection, and the person or pipe that uses it.
type session struct {
	conn   *waggle.Conn
	screen *screen
	linger time.Duration

	mu    sync.Mutex
	match string // the match that was shown last
}

// run ends with the input, the connection or ctx. The goroutine that reads the input
// may run on, since a read from a terminal cannot be cancelled. The program ends then.
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
		scanner.Buffer(nil, 1<<20) // longer than any frame may be, so that the server refuses it
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
			return s.closed(err)
		case <-ctx.Done():
			return nil
		}
	}
}

// wait gives the last replies time to come.
func (s *session) wait(ctx context.Context, closed <-chan error) error {
	select {
	case <-time.After(s.linger):
		return nil
	case err := <-closed:
		return s.closed(err)
	case <-ctx.Done():
		return nil
	}
}

func (s *session) closed(err error) error {
	if errors.Is(err, io.EOF) {
		s.screen.say("the server closed the connection")
		return nil
	}
	return fmt.Errorf("the connection broke: %w", err)
}

// line sends a line that was typed.
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
	_ = s.conn.Send(ctx, raw) // a failure ends receive too
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
			continue // it is already shown
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

// A screen shows frames as they are sent and received. It has a prompt only where a
// person types.
type screen struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	prompted bool
}

func newScreen(c cli.Console) *screen {
	in, ok := c.In.(*os.File)
	return &screen{w: c.Out, terminal: ok && term.IsTerminal(int(in.Fd()))}
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
	prompted := s.prompted
	if prompted {
		fmt.Fprint(s.w, "\r") // over the prompt
	}
	fmt.Fprintf(s.w, format+"\n", args...)
	if prompted {
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
