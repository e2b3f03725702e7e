// Package doctor examines a running Waggle from outside, step by step, and says of what
// does not work what it means and what to mend. [Case.Examine] is all of it. Nothing that
// it says holds a token.
package doctor

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"waggle/clients/go/waggle"
)

// A Case is what is examined.
type Case struct {
	// Socket is the URL of the WebSocket API, ws:// or wss://.
	Socket string
	// Members are those who connect: the first for most steps, a second one to be
	// matched with. Whoever is connected as one of them is replaced.
	Members []waggle.Options
	// Patience is how long to wait for an answer; 0: 15 s, longer than a function may run.
	Patience time.Duration
	// Now is this machine's clock; nil: time.Now.
	Now func() time.Time
	// Tell hears of each step once it is done; nil: nobody does.
	Tell func(Step)
}

// A Step is one thing that was looked at.
type Step struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Found  string `json:"found"`
	// Mend is what to do about it, where there is anything to do.
	Mend string `json:"mend,omitempty"`
	// Took is in milliseconds.
	Took int64 `json:"ms"`
}

// A Status is how a step went.
type Status string

// The ways a step can go.
const (
	OK      Status = "ok"
	Warn    Status = "warn" // it works, and something should be known
	Fail    Status = "fail"
	Skipped Status = "skipped" // it could not be tried
)

// The steps, in their order.
const (
	Address = "address" // the name is known, and something listens there
	TLS     = "tls"
	Refusal = "refusal" // without a token nobody gets in
	Connect = "connect"
	Hello   = "hello" // a message is served, and its answer pushed back
	Latency = "latency"
	Clock   = "clock"
	Matched = "match" // two members find, follow and leave each other
)

// An examination is under way.
type examination struct {
	Case
	host, port string
	steps      []Step
	ahead      *time.Duration // the server's clock against this machine's, once it is known
	conn       *waggle.Conn
	crashes    bool // the authorizer, where there is no token
}

// A finding is what a step returns: nothing wrong where it is all there is to say.
type finding struct {
	status Status
	found  string
	mend   string
	last   bool // the further steps make no sense
}

func fine(format string, args ...any) finding {
	return finding{status: OK, found: fmt.Sprintf(format, args...)}
}

func wrong(mend, format string, args ...any) finding {
	return finding{status: Fail, found: fmt.Sprintf(format, args...), mend: mend}
}

func skipped(why string) finding { return finding{status: Skipped, found: why} }

// fatal is wrong, and the further steps cannot be tried.
func (f finding) fatal() finding {
	f.last = true
	return f
}

// Examine takes every step that can be taken. It returns early when ctx ends.
func (c Case) Examine(ctx context.Context) ([]Step, error) {
	u, err := url.Parse(c.Socket)
	if err != nil {
		return nil, err
	}
	if c.Patience == 0 {
		c.Patience = 15 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Tell == nil {
		c.Tell = func(Step) {}
	}
	x := &examination{Case: c, host: u.Hostname(), port: u.Port()}
	if x.port == "" {
		x.port = map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	}
	defer func() {
		if x.conn != nil {
			x.conn.Drop()
		}
	}()
	steps := []struct {
		name string
		take func(context.Context) finding
	}{
		{Address, x.address},
		{TLS, func(ctx context.Context) finding { return x.tls(ctx, u.Scheme) }},
		{Refusal, x.refusal},
		{Connect, x.connect},
		{Hello, x.hello},
		{Latency, x.latency},
		{Clock, func(context.Context) finding { return x.clock() }},
		{Matched, x.match},
	}
	over := false
	for _, s := range steps {
		began, f := time.Now(), skipped("because of what failed before")
		if !over || s.name == Clock && x.ahead != nil {
			f = s.take(ctx)
		}
		if ctx.Err() != nil {
			return x.steps, ctx.Err()
		}
		over = over || f.last
		x.steps = append(x.steps, Step{s.name, f.status, f.found, f.mend, time.Since(began).Milliseconds()})
		c.Tell(x.steps[len(x.steps)-1])
	}
	return x.steps, nil
}

// wait bounds what is waited for.
func (x *examination) wait(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, x.Patience)
}
