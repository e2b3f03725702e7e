package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"waggle/clients/go/waggle"
	"waggle/cmd/waggle/cli"
	"waggle/cmd/waggle/endpoint"
	"waggle/cmd/waggle/stack"
)

const demoText = `
waggle demo plays a match between two members, ana and ben, and prints each step:
they connect, ben reports where he is, ana asks for the nearest member, watches
him move, loses her connection, resumes, and ends the match. They have a pool of
their own, so other members of the stack do not notice them.

The exit code is 0 when each step went well. Otherwise it is 1, and the error says
why.

  waggle demo                             on the local stack, which it starts if there is none
  waggle demo -start                      on a local stack of its own
  waggle demo -url http://127.0.0.1:9000  on the stack at this URL`

func demo(ctx context.Context, c cli.Console, args []string) error {
	f := cli.Flags(c, "demo", demoText)
	url := f.String("url", "", "`URL` of a local stack, or of the WebSocket API (default "+endpoint.Local+")")
	command := f.String("token-command", "", "`command` that prints a token for {member} in {pool}; it is run without a shell")
	start := f.Bool("start", false, "start a local stack, and stop it afterwards")
	pace := f.Duration("pace", 500*time.Millisecond, "pause between steps, for the reader")
	timeout := f.Duration("timeout", time.Minute, "how long the match may take, without the start of the stack")
	if _, err := cli.Parse(c, f, args); err != nil {
		return err
	}
	switch {
	case *start && *url != "":
		return cli.Misuse("give -start or -url, not both")
	case *timeout <= 0, *pace < 0:
		return cli.Misuse("-timeout must be above 0, such as 1m, and -pace must not be below 0")
	}
	base := *url
	if base == "" {
		base = endpoint.Local
	}
	at, err := endpoint.ParseSeveral(base, *command)
	if err != nil {
		return cli.Misuse("%w", err)
	}
	d := newDemoPlay(c.Out, at, *pace)
	if !*start {
		err = d.play(ctx, *timeout)
		if *url != "" || !endpoint.Nobody(err) {
			return interrupted(ctx, at.Explain(err))
		}
		if _, missing := os.Stat("localstack"); missing != nil {
			return at.Explain(err)
		}
		fmt.Fprintf(c.Out, "Nothing listens at %s, so the demo starts a stack of its own.\n", base)
	}
	s, err := stack.Build(ctx, c.Err)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer s.Stop()
	if d.at, err = endpoint.Parse(s.URL, *command); err != nil {
		return err
	}
	return interrupted(ctx, d.play(ctx, *timeout))
}

// A demoPlay is one run of the demo.
type demoPlay struct {
	out  io.Writer
	at   endpoint.Endpoint
	pace time.Duration
	pool string

	ana, ben *waggle.Client
	match    string
	benAt    waggle.Point
}

func newDemoPlay(out io.Writer, at endpoint.Endpoint, pace time.Duration) *demoPlay {
	return &demoPlay{out: out, at: at, pace: pace, pool: "demo-" + strings.ToLower(rand.Text()[:12])}
}

func (d *demoPlay) play(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer d.leave()
	for _, step := range []func(context.Context) error{d.meet, d.ask, d.move, d.resume, d.part} {
		if err := step(ctx); err != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("-timeout %v is over: %w", timeout, err)
			}
			return err
		}
	}
	d.say("", "That is all: two connections, which API Gateway holds, and one match between them.")
	return nil
}

func (d *demoPlay) meet(ctx context.Context) (err error) {
	if d.ana, err = d.connect(ctx, "ana"); err != nil {
		return err
	}
	if d.ben, err = d.connect(ctx, "ben"); err != nil {
		return err
	}
	d.say("", "ana and ben are connected, in pool %s.", d.pool)
	d.benAt = waggle.Point{Lat: 37.7793, Lng: -122.4193}
	if err := d.report(ctx, d.ben, "ben", d.benAt); err != nil {
		return err
	}
	d.say("ben", "I am at City Hall, %s. The server has it.", place(d.benAt))
	anaAt := waggle.Point{Lat: 37.7765, Lng: -122.4167}
	if err := d.report(ctx, d.ana, "ana", anaAt); err != nil {
		return err
	}
	d.say("ana", "I am on Market Street, %s. Who is the nearest?", place(anaAt))
	return nil
}

func (d *demoPlay) connect(ctx context.Context, member string) (*waggle.Client, error) {
	o := d.at.Options(endpoint.Member{ID: member, Pool: d.pool})
	// Long enough that ben moves before she is connected again.
	away := d.pace + time.Second
	o.Backoff = waggle.Backoff{Min: away, Max: away, Jitter: func() float64 { return 1 }}
	c, err := waggle.Connect(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", member, err)
	}
	return c, nil
}

func (d *demoPlay) ask(ctx context.Context) error {
	begun := time.Now()
	out, err := d.ana.Match(ctx, waggle.Match{Radius: 3000, Wait: 5})
	took := time.Since(begun)
	switch {
	case err != nil:
		return fmt.Errorf("ana asks for a match: %w", err)
	case out.Matched == nil:
		return errors.New("ana asks for a match: there was none, though ben is 400 m away")
	}
	d.match = out.Matched.Match
	d.say("ana", "Matched after %d ms: %.0f m away, at %s.", took.Milliseconds(), out.Matched.Peer.Distance,
		place(waggle.Point{Lat: out.Matched.Peer.Lat, Lng: out.Matched.Peer.Lng}))
	_, err = await(ctx, d.ben, "ben to be notified of the match", func(m *waggle.Matched) bool { return m.Match == d.match })
	if err != nil {
		return err
	}
	d.say("ben", "I am matched too. I am on my way.")
	return nil
}

func (d *demoPlay) move(ctx context.Context) error {
	for range 4 {
		if err := d.step(ctx); err != nil {
			return err
		}
		if err := d.seen(ctx); err != nil {
			return err
		}
		d.say("ana", "I see him move, to %s.", place(d.benAt))
	}
	return nil
}

// step moves ben after a pause, and waits until the server has his new place.
func (d *demoPlay) step(ctx context.Context) error {
	select {
	case <-time.After(d.pace):
	case <-ctx.Done():
		return fmt.Errorf("waiting to move ben, with a -pace of %v: %w", d.pace, ctx.Err())
	}
	d.benAt.Lat -= 0.0005
	d.benAt.Lng += 0.0004
	return d.report(ctx, d.ben, "ben", d.benAt)
}

// seen waits until ana has seen where ben is.
func (d *demoPlay) seen(ctx context.Context) error {
	_, err := await(ctx, d.ana, "ana to see ben move", func(l *waggle.LocationFrame) bool {
		return l.Match == d.match && near(l.Lat, l.Lng, d.benAt)
	})
	return err
}

func (d *demoPlay) resume(ctx context.Context) error {
	d.ana.Drop()
	d.say("ana", "(her socket drops)")
	if err := d.step(ctx); err != nil {
		return err
	}
	d.say("ben", "Moving on meanwhile, to %s.", place(d.benAt))
	// The welcome of the first connection has no match.
	w, err := await(ctx, d.ana, "ana to be back", func(w *waggle.Welcome) bool { return w.Match != nil })
	if err != nil {
		return err
	}
	if w.Match.Match != d.match {
		return fmt.Errorf("ana is back in another match: %s, not %s", w.Match.Match, d.match)
	}
	if !near(w.Match.Peer.Lat, w.Match.Peer.Lng, d.benAt) {
		if err := d.seen(ctx); err != nil {
			return err
		}
	}
	d.say("ana", "I am back, on another socket. The match is still there, and he is at %s.", place(d.benAt))
	if err := d.step(ctx); err != nil {
		return err
	}
	if err := d.seen(ctx); err != nil {
		return err
	}
	d.say("ana", "And I see him move again, to %s.", place(d.benAt))
	return nil
}

func (d *demoPlay) part(ctx context.Context) error {
	if _, err := d.ana.End(ctx, d.match, waggle.Completed); err != nil {
		return fmt.Errorf("ana ends the match: %w", err)
	}
	d.say("ana", "He is here. Thank you! (She ends the match.)")
	ended, err := await(ctx, d.ben, "ben to be notified of the end", func(e *waggle.Ended) bool { return e.Match == d.match })
	if err != nil {
		return err
	}
	d.say("ben", "It has ended: %s.", ended.Reason)
	for name, c := range map[string]*waggle.Client{"ana": d.ana, "ben": d.ben} {
		w, err := c.Hello(ctx)
		if err != nil {
			return fmt.Errorf("%s says hello: %w", name, err)
		}
		if w.Match != nil {
			return fmt.Errorf("%s is still in match %s after its end", name, w.Match.Match)
		}
	}
	d.say("", "Both are free again.")
	return nil
}

func (d *demoPlay) leave() {
	for _, c := range []*waggle.Client{d.ana, d.ben} {
		if c != nil {
			c.Close()
		}
	}
	d.ana, d.ben = nil, nil
}

// report waits until the server has the location.
func (d *demoPlay) report(ctx context.Context, c *waggle.Client, name string, p waggle.Point) error {
	id := rand.Text()
	if err := c.Report(ctx, waggle.Location{ID: id, Lat: p.Lat, Lng: p.Lng}); err != nil {
		return fmt.Errorf("%s reports: %w", name, err)
	}
	_, err := await(ctx, c, name+"'s report to be acknowledged", func(a *waggle.Ack) bool { return a.ID == id })
	return err
}

func (d *demoPlay) say(who, format string, args ...any) {
	if who != "" {
		who += ":"
	}
	fmt.Fprintf(d.out, "%s  %-4s  %s\n", time.Now().Format("15:04:05.000"), who, fmt.Sprintf(format, args...))
}

// await skips events until the wanted one comes.
func await[T waggle.Frame](ctx context.Context, c *waggle.Client, what string, wanted func(T) bool) (T, error) {
	var none T
	for {
		event, err := c.Next(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return none, fmt.Errorf("waiting for %s: it did not come in time", what)
		}
		if err != nil {
			return none, fmt.Errorf("waiting for %s: %w", what, err)
		}
		if refused, ok := event.(*waggle.ErrorFrame); ok {
			return none, fmt.Errorf("waiting for %s: the server says %s: %s", what, refused.Code, refused.Message)
		}
		if got, ok := event.(T); ok && wanted(got) {
			return got, nil
		}
	}
}

// near tells whether a place is within about a metre of p.
func near(lat, lng float64, p waggle.Point) bool {
	const degrees = 1e-5
	return max(lat-p.Lat, p.Lat-lat, lng-p.Lng, p.Lng-lng) < degrees
}

func place(p waggle.Point) string { return fmt.Sprintf("%.4f, %.4f", p.Lat, p.Lng) }
