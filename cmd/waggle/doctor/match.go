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

// nowhere is the place in the ocean that is farthest from land, so that the doctor is not
// matched with a real member.
var nowhere = waggle.Point{Lat: -48.8767, Lng: -123.3933}

// match plays a match between the two members.
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
	var pools, names [2]string
	for n := range 2 {
		o := x.Members[n]
		o.OnFrame = func(way waggle.Direction, raw []byte, _ time.Time) {
			if way == waggle.Received && byGateway(raw) {
				stop(gatewayError(bytes.Clone(raw))) // the client would wait for a reply that never comes
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
			return skipped(fmt.Sprintf("member %d is in a match or waits for one, which is not disturbed: use other members", n+1))
		}
		pools[n], names[n] = w.Pool, w.Member
	}
	if pools[0] == pools[1] && names[0] == names[1] {
		return wrong("give the tokens of two members; see -token and -token-command", "both tokens are of the member %.128q: nobody is matched with themselves", names[0])
	}
	if pools[0] != pools[1] {
		return skipped("the two members are in different pools, " + pools[0] + " and " + pools[1] + ", and never meet")
	}
	began := time.Now()
	if f := meet(ctx, clients[0], clients[1]); f != nil {
		return *f
	}
	return fine("two members were matched, one saw the other move, and both were notified of the end, within %d ms", time.Since(began).Milliseconds())
}

// meet plays the match.
func meet(ctx context.Context, matcher, matchee *waggle.Client) *finding {
	bad := func(f finding) *finding { return &f }
	at := waggle.Point{Lat: nowhere.Lat + rand.Float64()/10, Lng: nowhere.Lng + rand.Float64()/10}
	available := true
	for name, c := range map[string]*waggle.Client{"the matchee": matchee, "the matcher": matcher} {
		for position := waggle.Jump; position == waggle.Jump; { // from where the member was a moment ago
			id := "doctor-" + fmt.Sprint(rand.Uint64())
			if err := c.Report(ctx, waggle.Location{ID: id, Lat: at.Lat, Lng: at.Lng, Available: &available}); err != nil {
				return bad(explain(ctx, name+" reports", err))
			}
			ack, f := await(ctx, c, "the reply to a report", func(a *waggle.Ack) bool { return a.ID == id })
			if f != nil {
				return f
			}
			position = ack.Position
		}
	}
	outcome, err := matcher.Match(ctx, waggle.Match{Radius: 500})
	switch {
	case err != nil:
		return bad(explain(ctx, "match", err))
	case outcome.Matched == nil:
		return bad(wrong("check that the first member may be a matcher and the second one a matchee, and that their tags fit. The log of match has more",
			"the second member was not found, though it is at the same place"))
	}
	match := outcome.Matched.Match
	defer func() { // no match is left
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		_, _ = matcher.End(ctx, match, waggle.Cancelled)
	}()
	if _, f := await(ctx, matchee, "the matchee to be notified of the match", func(m *waggle.Matched) bool { return m.Match == match }); f != nil {
		return f
	}
	moved := at.Lat + 0.001
	if err := matchee.Report(ctx, waggle.Location{Lat: moved, Lng: at.Lng}); err != nil {
		return bad(explain(ctx, "a report in the match", err))
	}
	if _, f := await(ctx, matcher, "the matcher to see the matchee move", func(l *waggle.LocationFrame) bool { return l.Match == match && l.Lat == moved }); f != nil {
		return f
	}
	if _, err := matcher.End(ctx, match, waggle.Completed); err != nil {
		return bad(explain(ctx, "the end", err))
	}
	_, f := await(ctx, matchee, "the matchee to be notified of the end", func(e *waggle.Ended) bool { return e.Match == match })
	return f
}

// await skips events until the wanted one comes.
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
		return wrong("a push to the other connection did not come, or a function failed: look at the logs of location and match", "%s: it did not come in time", what)
	}
	return wrong("look at the API's access log, and at the functions'", "%s: %v", what, err)
}
