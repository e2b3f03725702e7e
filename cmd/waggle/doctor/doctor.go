// Package doctor examines a running Waggle from outside, step by step. For each step that
// fails it says what that means and how to mend it. Start with [Case.Examine]. Its texts
// never contain a token.
package doctor

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"waggle/clients/go/waggle"
)

// A Case says what to examine.
type Case struct {
	// Socket is the URL of the WebSocket API, ws:// or wss://.
	Socket string
	// Members are the members that connect: the first for most steps, and a second one for
	// the match. Their earlier connections are replaced.
	Members []waggle.Options
	// Patience is how long to wait for a reply; 0: 15 s, longer than a function may run.
	Patience time.Duration
	// Now is this machine's clock; nil: time.Now.
	Now func() time.Time
	// Report is called with each step when it is done. It may be nil.
	Report func(Step)
}

// A Step is one part of the examination, and its result.
type Step struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Found  string `json:"found"`
	// Mend says what to do, if there is anything to do.
	Mend string `json:"mend,omitempty"`
	// Took is how long it took, in milliseconds.
	Took int64 `json:"ms"`
}

// A Status is the result of a step.
type Status string

// The results of a step.
const (
	OK      Status = "ok"
	Warn    Status = "warn" // it works, but the user should know something
	Fail    Status = "fail"
	Skipped Status = "skipped" // it could not be tried
)

// The steps, in their order.
const (
	Address = "address" // the name has an address, and something listens there
	TLS     = "tls"
	Refusal = "refusal" // a connection without a token is refused
	Connect = "connect"
	Hello   = "hello" // a message is served, and its reply is pushed back
	Latency = "latency"
	Clock   = "clock"
	Matched = "match" // two members are matched, one sees the other move, the match ends
)

// An examination is a running one.
type examination struct {
	Case
	host, port string
	steps      []Step
	ahead      *time.Duration // how far the server's clock is ahead of this machine's; nil: not known
	conn       *waggle.Conn
	crashes    bool // the authorizer crashes on a connection without a token
}

// A finding is what a step returns.
type finding struct {
	status Status
	found  string
	mend   string
	last   bool // the later steps cannot be tried
}

func fine(format string, args ...any) finding {
	return finding{status: OK, found: fmt.Sprintf(format, args...)}
}

func wrong(mend, format string, args ...any) finding {
	return finding{status: Fail, found: fmt.Sprintf(format, args...), mend: mend}
}

func skipped(why string) finding { return finding{status: Skipped, found: why} }

// fatal returns the finding of a step without which the later ones cannot be tried.
func (f finding) fatal() finding {
	f.last = true
	return f
}

// Examine takes each step that can be taken. It returns early when ctx ends.
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
	if c.Report == nil {
		c.Report = func(Step) {}
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
		began, f := time.Now(), skipped("an earlier step failed")
		if !over || s.name == Clock && x.ahead != nil {
			f = s.take(ctx)
		}
		if ctx.Err() != nil {
			return x.steps, ctx.Err()
		}
		over = over || f.last
		x.steps = append(x.steps, Step{s.name, f.status, f.found, f.mend, time.Since(began).Milliseconds()})
		c.Report(x.steps[len(x.steps)-1])
	}
	return x.steps, nil
}

// wait returns a context that ends when the patience does.
func (x *examination) wait(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, x.Patience)
}
