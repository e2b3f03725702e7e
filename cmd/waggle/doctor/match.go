package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"waggle/clients/go/waggle"
)

// nowhere is the place in the ocean that is furthest from any land, so that nobody
// real is matched with.
var nowhere = waggle.Point{Lat: -48.8767, Lng: -123.3933}

// match has two members find each other, one see the other move, and both part.
func (x *examination) match(ctx context.Context) finding {
	if len(x.Members) < 2 {
		return skipped("it takes two members: give -token twice, or -token-command")
	}
	x.conn.Drop() // the member connects again
	x.conn = nil
	ctx, cancel := x.wait(ctx)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var clients []*waggle.Client
	defer func() {
		for _, c := range clients {
			c.Close()
		}
	}()
	var pools [2]string
	for n := range 2 {
		o := x.Members[n]
		o.OnFrame = func(way waggle.Direction, raw []byte, _ time.Time) {
			if way == waggle.Received && byGateway(raw) {
				stop(gatewayError(bytes.Clone(raw))) // the client would wait for what nobody answers
			}
		}
		c, err := waggle.Connect(ctx, o)
		if err != nil {
			return wrong("as above, with this token", "member %d cannot connect: %v", n+1, err)
		}
		clients = append(clients, c)
		w, err := c.Hello(ctx)
		switch {
		case err != nil:
			return explain(ctx, "hello of member "+fmt.Sprint(n+1), err)
		case w.Match != nil || w.Request != nil:
			return skipped(fmt.Sprintf("member %d is in a match or waits for one, which is not disturbed: use others", n+1))
		}
		pools[n] = w.Pool
	}
	if pools[0] != pools[1] {
		return skipped("the two members are in different pools, " + pools[0] + " and " + pools[1] + ", and never meet")
	}
	began := time.Now()
	if f := meet(ctx, clients[0], clients[1]); f != nil {
		return *f
	}
	return fine("two members found each other, one was seen to move, and both heard of the end, within %d ms", time.Since(began).Milliseconds())
}

// meet plays the match.
func meet(ctx context.Context, seeker, found *waggle.Client) *finding {
	bad := func(f finding) *finding { return &f }
	at := waggle.Point{Lat: nowhere.Lat + rand.Float64()/10, Lng: nowhere.Lng + rand.Float64()/10}
	available := true
	for name, c := range map[string]*waggle.Client{"the one to be found": found, "the seeker": seeker} {
		id := "doctor-" + fmt.Sprint(rand.Uint64())
		if err := c.Report(ctx, waggle.Location{ID: id, Lat: at.Lat, Lng: at.Lng, Available: &available}); err != nil {
			return bad(explain(ctx, name+" reports", err))
		}
		if _, f := await(ctx, c, "the answer to a report", func(a *waggle.Ack) bool { return a.ID == id }); f != nil {
			return f
		}
	}
	outcome, err := seeker.Match(ctx, waggle.Match{Radius: 500})
	switch {
	case err != nil:
		return bad(explain(ctx, "match", err))
	case outcome.Matched == nil:
		return bad(wrong("are both members' roles such that one may ask and the other be found, and the second one's token without tags that differ? The log of match has more",
			"the second member was not found, though it is at the same place"))
	}
	match := outcome.Matched.Match
	defer func() { // nothing is left, however it went
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		_, _ = seeker.End(ctx, match, waggle.Cancelled)
	}()
	if _, f := await(ctx, found, "the other side to be told of the match", func(m *waggle.Matched) bool { return m.Match == match }); f != nil {
		return f
	}
	moved := at.Lat + 0.001
	if err := found.Report(ctx, waggle.Location{Lat: moved, Lng: at.Lng}); err != nil {
		return bad(explain(ctx, "a report in the match", err))
	}
	if _, f := await(ctx, seeker, "the other's move to be seen", func(l *waggle.LocationFrame) bool { return l.Match == match && l.Lat == moved }); f != nil {
		return f
	}
	if _, err := seeker.End(ctx, match, waggle.Completed); err != nil {
		return bad(explain(ctx, "the end", err))
	}
	_, f := await(ctx, found, "the other side to be told of the end", func(e *waggle.Ended) bool { return e.Match == match })
	return f
}

// await passes over events until one is wanted.
func await[F waggle.Frame](ctx context.Context, c *waggle.Client, what string, wanted func(F) bool) (F, *finding) {
	var none F
	for {
		event, err := c.Next(ctx)
		if err != nil {
			f := explain(ctx, "waiting for "+what, err)
			return none, &f
		}
		if e, ok := event.(*waggle.ErrorFrame); ok {
			f := refusedBy(e)
			return none, &f
		}
		if got, ok := event.(F); ok && wanted(got) {
			return got, nil
		}
	}
}

func explain(ctx context.Context, what string, err error) finding {
	if said, ok := errors.AsType[gatewayError](context.Cause(ctx)); ok {
		return failedFunction(said)
	}
	if refused, ok := errors.AsType[*waggle.Error](err); ok {
		f := refusedBy(&waggle.ErrorFrame{Code: refused.Code, Message: refused.Message})
		f.found = what + ": " + f.found
		return f
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return wrong("a push to the other connection did not come, or a function failed: look at the logs of location and match", "%s: in vain", what)
	}
	return wrong("look at the API's access log, and at the functions'", "%s: %v", what, err)
}
