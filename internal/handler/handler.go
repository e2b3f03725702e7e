// Package handler serves API Gateway's WebSocket events: it reads the session of the event,
// decodes the message, calls the service and delivers the replies. Start with
// Handler.Handle. One table, in errors.go, maps each kind of error to its answer.
package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/internal/telemetry"
	"waggle/internal/token"
	"waggle/internal/topology"
)

type (
	// Event is an event of API Gateway.
	Event = events.APIGatewayWebsocketProxyRequest
	// Response is the response to an event. API Gateway uses only that to $connect, and the body of
	// that to a message where the route has a response.
	Response = events.APIGatewayProxyResponse
)

// Handler serves the events of all routes.
type Handler struct {
	Service *match.Service
	// Push sends errors to the sender of a message that failed.
	Push match.Pusher
	Now  func() time.Time
	// Log gets a line for each event, see served.
	Log *slog.Logger
	// Metrics gets what is counted. nil: nobody counts.
	Metrics telemetry.Recorder
	// Audit gets a line for each call of a verb, and is not bounded.
	Audit *slog.Logger
	// Respond says that routes have responses. Then an answer whose order does not matter is the
	// response, in place of a push: an ack, a pong, or an error that does not close the connection.
	Respond bool
	// Endpoint, unless nil, is called with each event's domain and stage before any push.
	Endpoint func(domain, stage string)
	// frequent counts the reports and pings that were done.
	frequent atomic.Uint64
}

const (
	// timeout ends work before the function's own timeout of 10 s, so that lastWord is left
	// to send the error.
	timeout  = 8500 * time.Millisecond
	lastWord = time.Second
	// longest is how long API Gateway keeps a connection.
	longest = 2 * time.Hour
)

// Handle serves one event by its route. It returns an error only if the event has no route.
// The sender gets every other error as a frame, or as the status of $connect.
func (h *Handler) Handle(ctx context.Context, e Event) (Response, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if h.Endpoint != nil {
		h.Endpoint(e.RequestContext.DomainName, e.RequestContext.Stage)
	}
	if e.RequestContext.RouteKey == "" {
		return Response{}, errors.New("not an event of a WebSocket API: it has no routeKey")
	}
	s, ctx := h.begin(ctx, e.RequestContext.RouteKey, &e)
	defer s.end(ctx)
	switch e.RequestContext.RouteKey {
	case topology.RouteConnect:
		return h.connect(ctx, e, s)
	case topology.RouteDisconnect:
		return h.disconnect(ctx, e, s)
	}
	return Response{StatusCode: http.StatusOK, Body: h.message(ctx, e, s)}, nil
}

func (h *Handler) connect(ctx context.Context, e Event, s *served) (Response, error) {
	x, err := session(e)
	if err != nil {
		err = fmt.Errorf("%w: %w", errNobody, err)
	} else {
		s.member = x.Member
		var result match.Result
		result, err = h.Service.Connect(ctx, x)
		err = errors.Join(err, h.deliver(ctx, x, result))
	}
	if err != nil {
		s.fail(err)
		return Response{StatusCode: answerTo(err).status}, nil
	}
	r := Response{StatusCode: http.StatusOK}
	if offers(e, protocol.Subprotocol) {
		r.Headers = map[string]string{"Sec-WebSocket-Protocol": protocol.Subprotocol}
	}
	return r, nil
}

func (h *Handler) disconnect(ctx context.Context, e Event, s *served) (Response, error) {
	x, err := session(e)
	if err == nil {
		s.member = x.Member
		err = h.Service.Disconnect(ctx, x.Member, x.Connection)
	}
	if err != nil {
		s.fail(err)
	}
	return Response{StatusCode: http.StatusOK}, nil
}

// message serves a message, and returns the response.
func (h *Handler) message(ctx context.Context, e Event, s *served) (response string) {
	connection := e.RequestContext.ConnectionID
	m, bad := protocol.Decode(e.RequestContext.RouteKey, []byte(e.Body))
	id := ""
	if bad != nil {
		id = bad.ID
	} else {
		id = m.MessageID()
	}
	x, err := session(e)
	s.member = x.Member
	expired := func() bool { return !h.Now().Before(x.Expires) }
	if err != nil {
		err = fmt.Errorf("%w: %w", errNobody, err)
	} else if expired() {
		err = match.SessionExpired()
	} else if bad != nil {
		s.refuse(string(bad.Code), slog.LevelDebug, nil)
		return h.answer(ctx, connection, bad, false)
	} else {
		var result match.Result
		result, err = h.serve(ctx, e, x, m)
		var answer protocol.Frame
		if h.Respond {
			answer = result.Answer()
		}
		err = errors.Join(err, h.deliver(ctx, x, result))
		switch {
		case answer == nil:
		case err == nil && !expired():
			return string(protocol.Encode(answer))
		default: // an error follows, or the end of the session
			h.Service.Notify(ctx, x.Member, x.Address(h.Now()), answer)
		}
		if err != nil && expired() {
			s.fail(err)
			err = match.SessionExpired() // it is all that may be sent by now
		}
	}
	if err != nil {
		s.fail(err)
		return h.refuse(ctx, connection, id, err)
	}
	return ""
}

func (h *Handler) serve(ctx context.Context, e Event, x match.Session, m protocol.Message) (match.Result, error) {
	switch m := m.(type) {
	case *protocol.Hello:
		return h.Service.Hello(ctx, x, m.ID)
	case *protocol.Ping:
		return h.Service.Ping(ctx, x, m.ID)
	case *protocol.Location:
		return h.Service.Report(ctx, x, m, time.UnixMilli(e.RequestContext.RequestTimeEpoch))
	case *protocol.Locate:
		return h.Service.Locate(ctx, x, m.ID)
	case *protocol.Match:
		return h.Service.Match(ctx, x, m)
	case *protocol.Cancel:
		return h.Service.Cancel(ctx, x, m)
	case *protocol.End:
		return h.Service.End(ctx, x, m)
	case *protocol.Accept:
		return h.Service.Accept(ctx, x, m)
	case *protocol.Decline:
		return h.Service.Decline(ctx, x, m)
	case *protocol.Nearby:
		return h.Service.Nearby(ctx, x, m.ID)
	case *protocol.Say:
		return h.Service.Say(ctx, x, m)
	}
	return match.Result{}, fmt.Errorf("no method serves %T", m)
}

// deliver pushes the replies to the caller's connection, and lets the service do the rest.
func (h *Handler) deliver(ctx context.Context, x match.Session, r match.Result) error {
	return r.Deliver(ctx, func(ctx context.Context, f protocol.Frame) bool {
		return h.Service.Notify(ctx, x.Member, x.Address(h.Now()), f)
	})
}

// session returns the session of an event, by the context that the authorizer attached.
func session(e Event) (match.Session, error) {
	attached, ok := e.RequestContext.Authorizer.(map[string]any)
	if !ok {
		return match.Session{}, errors.New("the event has no authorizer context")
	}
	if e.RequestContext.ConnectionID == "" { // the service takes it for a back end, which needs no session
		return match.Session{}, errors.New("the event has no connection")
	}
	id, err := token.FromContext(attached)
	if err != nil {
		return match.Session{}, err
	}
	connected := time.UnixMilli(e.RequestContext.ConnectedAt)
	expires := connected.Add(longest)
	if id.Expires.Before(expires) {
		expires = id.Expires
	}
	return match.Session{
		Member: match.Member{Pool: id.Pool, ID: id.Member}, Connection: e.RequestContext.ConnectionID,
		ConnectedAt: connected, Expires: expires, Matcher: id.Matcher, Matchee: id.Matchee,
		Tags: id.Tags, Restricted: id.HasTags, Card: id.Card,
	}, nil
}

// offers reports whether the client offered the subprotocol.
func offers(e Event, subprotocol string) bool {
	for name, value := range e.Headers {
		if strings.EqualFold(name, "Sec-WebSocket-Protocol") {
			for offered := range strings.SplitSeq(value, ",") {
				if strings.TrimSpace(offered) == subprotocol {
					return true
				}
			}
		}
	}
	return false
}

// refuse sends or returns the error of a message that could not be done.
func (h *Handler) refuse(ctx context.Context, connection, id string, err error) (response string) {
	a := answerTo(err)
	if a.code == "" {
		return h.answer(ctx, connection, nil, a.ends)
	}
	return h.answer(ctx, connection, errorFrame(id, err), a.ends)
}

// errorFrame is what the sender of a message that failed is told.
func errorFrame(id string, err error) *protocol.Error {
	a := answerTo(err)
	f := protocol.NewError(a.code, id, a.text)
	var fault *match.Fault
	if errors.As(err, &fault) {
		f.Now = fault.Now
		f.RetryAfter = math.Ceil(fault.RetryAfter.Seconds()*10) / 10
		if fault.Kind == match.Conflict {
			f.Retryable = fault.Retryable
		}
	}
	return f
}

// answer sends an error, if there is one, and closes the connection if that ends. It does so
// even after the timeout of the work. An error that ends nothing may be the response instead.
func (h *Handler) answer(ctx context.Context, connection string, f *protocol.Error, ends bool) (response string) {
	if h.Respond && !ends { // without a frame it ends
		return string(protocol.Encode(f))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	var err error
	if f != nil {
		err = h.Push.Push(ctx, connection, f)
	}
	if ends {
		err = errors.Join(err, h.Push.Close(ctx, connection))
	}
	if err != nil && !errors.Is(err, match.ErrConnectionGone) {
		h.Log.WarnContext(ctx, "answer", "connection", connection, "err", err)
	}
	return ""
}
