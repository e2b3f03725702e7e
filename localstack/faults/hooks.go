package faults

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"waggle/internal/store"
	"waggle/localstack/apigateway"
)

// Events wraps the functions of a gateway: the faults of events occur on the way to them.
func (f *Faults) Events(next apigateway.Invoker) apigateway.Invoker { return events{f, next} }

type events struct {
	*Faults
	next apigateway.Invoker
}

// An event has the fields of an event that the faults depend on.
type event struct {
	Type           string // only the authorizer's events have a type
	RequestContext struct {
		EventType, ConnectionID string
		Authorizer              struct{ PrincipalID string }
	}
}

// Invoke implements apigateway.Invoker.
func (e events) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	var seen event
	if json.Unmarshal(payload, &seen) != nil || seen.Type != "" {
		return e.next.Invoke(ctx, function, payload)
	}
	member, connection := seen.RequestContext.Authorizer.PrincipalID, seen.RequestContext.ConnectionID
	switch seen.RequestContext.EventType {
	case "CONNECT":
		defer e.disconnects.pass(member)()
	case "DISCONNECT":
		if e.occurs(lostDisconnect) {
			return []byte(`{"statusCode":200}`), nil
		}
		e.hold(ctx, &e.disconnects, member, lateDisconnect)
	case "MESSAGE":
		defer e.hold(ctx, &e.messages, connection, reorder)()
		if e.occurs(duplicate) {
			var duplicated sync.WaitGroup
			duplicated.Go(func() { _, _ = e.next.Invoke(ctx, function, payload) }) // only the other result counts
			defer duplicated.Wait()
		}
	}
	return e.next.Invoke(ctx, function, payload)
}

// Post returns the status with which a push is refused, or 0 if it is sent. It is the
// Refuse of an apigateway.Config.
func (f *Faults) Post(string) (refused int) {
	switch {
	case f.occurs(gone):
		return http.StatusGone
	case f.occurs(limit):
		return http.StatusTooManyRequests
	}
	return 0
}

// Trip makes a trip to the cache, slow or without its replies. It is a store.Hook.
func (f *Faults) Trip(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
	if f.occurs(slowCache) {
		f.pause(ctx, slowCache)
	}
	send(ctx)
	var lost []int
	for i := range commands {
		if f.occurs(lostReply) {
			lost = append(lost, i)
		}
	}
	if len(lost) > 0 {
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		send(cancelled, lost...)
	}
}
