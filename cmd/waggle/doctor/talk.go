package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"waggle/clients/go/waggle"
)

// learn notes the server's time, as it is now.
func (x *examination) learn(server time.Time) {
	ahead := server.Sub(x.Now())
	x.ahead = &ahead
}

// hello sends hello. Its reply comes like every reply: a function posts it to the
// connection.
func (x *examination) hello(ctx context.Context) finding {
	f, bad := x.ask(ctx, `{"action":"hello","id":"doctor-hello"}`, "doctor-hello")
	if bad != nil {
		return bad.fatal()
	}
	w, ok := f.(*waggle.Welcome)
	if !ok {
		return wrong("the server speaks another protocol than this doctor: compare versions", "hello was answered with a %T", f).fatal()
	}
	x.learn(time.UnixMilli(w.Now))
	left := time.UnixMilli(w.ExpiresAt).Sub(time.UnixMilli(w.Now)).Round(time.Second)
	said := fmt.Sprintf("answered, by a push: in pool %s, the session ends in %v", w.Pool, left)
	if w.Server != "" {
		said += "; the server is " + w.Server
	}
	if left < 5*time.Minute {
		return finding{status: Warn, found: said, mend: "with tokens of a few minutes clients connect anew all the time"}
	}
	return fine("%s", said)
}

// ask sends a message and waits for the frame with its id.
func (x *examination) ask(ctx context.Context, text, id string) (waggle.Frame, *finding) {
	ctx, cancel := x.wait(ctx)
	defer cancel()
	bad := func(f finding) (waggle.Frame, *finding) { return nil, &f }
	if err := x.conn.Send(ctx, []byte(text)); err != nil {
		return bad(wrong("the connection was closed: look at the API's access log", "it could not be sent: %v", err))
	}
	for {
		raw, err := x.conn.Receive(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return bad(wrong("the functions have no way out to connection management: from inside a VPC that takes a NAT gateway, or dual-stack subnets with an egress-only gateway "+
				"(an interface endpoint is not enough); if they have one, check execute-api:ManageConnections on this stage, or WAGGLE_MANAGEMENT_ENDPOINT. The function's log has the reason",
				"the message was taken, and no answer was pushed within %v", x.Patience))
		case err != nil:
			return bad(wrong("look at the API's access log, and at the function's", "the connection was closed: %v", err))
		}
		f, err := waggle.DecodeFrame(raw)
		if err != nil || byGateway(raw) {
			return bad(failedFunction(raw))
		}
		if e, ok := f.(*waggle.ErrorFrame); ok && (e.ID == id || e.ID == "") {
			return bad(refusedBy(e))
		}
		if frameID(f) == id {
			return f, nil
		}
	}
}

// byGateway tells whether a frame is API Gateway's own: the frames of the functions have
// a type.
func byGateway(raw []byte) bool {
	f, err := waggle.DecodeFrame(raw)
	other, ok := f.(*waggle.Unknown)
	return err == nil && ok && other.Type == ""
}

// A gatewayError is such a frame.
type gatewayError []byte

func (e gatewayError) Error() string { return string(e) }

func failedFunction(raw []byte) finding {
	return wrong("look at the function's log: it did not start, crashed, timed out, or was throttled", "API Gateway says %.200s", raw)
}

func refusedBy(e *waggle.ErrorFrame) finding {
	mend := "the log of the function has the reason"
	switch e.Code {
	case waggle.CodeUnavailable:
		mend = "the functions reach clients, but not the cache: is it up and not full; security groups; WAGGLE_CACHE_URL; with IAM, user, cache name and elasticache:Connect"
	case waggle.CodeUnauthenticated:
		mend = "the function sees no identity, or an expired one: does the authorizer attach its context to the connection?"
	case waggle.CodeForbidden:
		mend = "the token's roles do not allow it: one member must be allowed as matcher, and the other as matchee"
	case waggle.CodeReplaced:
		mend = "another client connected as this member: use a member of your own"
	}
	return wrong(mend, "the server says %s: %s", e.Code, e.Message)
}

func frameID(f waggle.Frame) string {
	switch f := f.(type) {
	case *waggle.Welcome:
		return f.ID
	case *waggle.Pong:
		return f.ID
	}
	return ""
}

const (
	pings = 5
	slow  = time.Second
)

// latency measures the time from a ping to its pong. The first one may include a cold start.
func (x *examination) latency(ctx context.Context) finding {
	var took []time.Duration
	for n := range pings {
		id := fmt.Sprint("doctor-ping-", n)
		began := time.Now()
		if _, bad := x.ask(ctx, `{"action":"ping","id":"`+id+`"}`, id); bad != nil {
			return bad.fatal()
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	median := took[len(took)/2]
	said := fmt.Sprintf("%d ms from a message to its answer (the median of %d; %d to %d)", median.Milliseconds(), pings, took[0].Milliseconds(), took[pings-1].Milliseconds())
	if median > slow {
		return finding{status: Warn, found: said, mend: "this machine is far from the region, the functions have too little memory, or the cache is slow: compare their durations on the dashboard"}
	}
	return fine("%s", said)
}

// How far a member's clock may be off. If it is 30 s ahead the server uses its own time
// instead. If it is the pool's location TTL behind, the server refuses its reports.
const (
	clockWarn = 5 * time.Second
	clockFail = 30 * time.Second
)

func (x *examination) clock() finding {
	if x.ahead == nil {
		return skipped("the server's time is not known")
	}
	off := *x.ahead
	which := "behind"
	if off < 0 {
		off, which = -off, "ahead of"
	}
	const mend = "set this machine's clock (NTP): a report has the time of its sender, and the server replaces a wrong time or refuses the report as stale"
	said := fmt.Sprintf("this machine's clock is %.1f s %s the server's", off.Seconds(), which)
	switch {
	case off > clockFail:
		return wrong(mend, "%s", said)
	case off > clockWarn:
		return finding{status: Warn, found: said, mend: mend}
	}
	return fine("%s", said)
}
