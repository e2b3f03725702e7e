package faults

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"waggle/internal/store"
	"waggle/localstack/apigateway"
)

// Events stands between a gateway and its functions.
func (f *Faults) Events(next apigateway.Invoker) apigateway.Invoker { return events{f, next} }

type events struct {
	*Faults
	next apigateway.Invoker
}

// An event is what is looked at in one.
type event struct {
	Type           string // the authorizer's have one
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
		defer e.goodbyes.pass(member)()
	case "DISCONNECT":
		if e.befalls(lostDisconnect) {
			return []byte(`{"statusCode":200}`), nil
		}
		e.hold(ctx, &e.goodbyes, member, lateDisconnect)
	case "MESSAGE":
		defer e.hold(ctx, &e.messages, connection, reorder)()
		if e.befalls(duplicate) {
			var again sync.WaitGroup
			again.Go(func() { _, _ = e.next.Invoke(ctx, function, payload) }) // the other's answer counts
			defer again.Wait()
		}
	}
	return e.next.Invoke(ctx, function, payload)
}

// Post decides about a push to a connection: it is refused with this status, or
// with none at 0. It is an apigateway.Config's Refuse.
func (f *Faults) Post(string) (refused int) {
	switch {
	case f.befalls(gone):
		return http.StatusGone
	case f.befalls(limit):
		return http.StatusTooManyRequests
	}
	return 0
}

// Trip makes a trip to the cache. It is a store.Hook.
func (f *Faults) Trip(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
	if f.befalls(slowCache) {
		f.pause(ctx, slowCache)
	}
	send(ctx)
	var lost []int
	for i := range commands {
		if f.befalls(lostReply) {
			lost = append(lost, i)
		}
	}
	if len(lost) > 0 {
		ended, end := context.WithCancel(ctx)
		end()
		send(ended, lost...)
	}
}
