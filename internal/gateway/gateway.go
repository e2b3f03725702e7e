// Package gateway pushes frames to clients and closes their connections through
// API Gateway's connection-management API, @connections. Start at [NewPusher];
// [Client] has the two calls of the API, for one endpoint.
//
// A push that fails loses no state: clients get everything back by asking.
// So nothing is stored here. One failure is retried, once: that of the
// connection to the API, since a frozen Lambda environment wakes with
// connections that the far end has closed.
package gateway

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// A Pusher is a match.Pusher. It is safe for concurrent use.
type Pusher struct {
	client atomic.Pointer[Client] // nil until an endpoint is known
	open   func(endpoint string) *Client
}

var _ match.Pusher = (*Pusher)(nil)

// NewPusher returns a Pusher with a client as [New] makes it. If the endpoint is "", the
// Pusher needs [Pusher.Learn].
func NewPusher(endpoint, region string, credentials aws.CredentialsProvider) *Pusher {
	p := &Pusher{open: func(endpoint string) *Client { return New(endpoint, region, credentials) }}
	if endpoint != "" {
		p.client.Store(p.open(endpoint))
	}
	return p
}

// Learn takes the endpoint from the domain and the stage of an event, unless the
// Pusher has one already.
func (p *Pusher) Learn(domain, stage string) {
	if p.client.Load() == nil {
		p.client.CompareAndSwap(nil, p.open("https://"+domain+"/"+stage))
	}
}

// Prepare opens the connection for the first push, see [Client.Prepare]. Without an
// endpoint it does nothing.
func (p *Pusher) Prepare(ctx context.Context) error {
	if client := p.client.Load(); client != nil {
		return client.Prepare(ctx)
	}
	return nil
}

// Push sends a frame to a connection, see [Client.Post].
func (p *Pusher) Push(ctx context.Context, connection string, f protocol.Frame) error {
	client := p.client.Load()
	if client == nil {
		return errNoEndpoint
	}
	return client.Post(ctx, connection, protocol.Encode(f))
}

// Close closes a connection, see [Client.Delete].
func (p *Pusher) Close(ctx context.Context, connection string) error {
	client := p.client.Load()
	if client == nil {
		return errNoEndpoint
	}
	return client.Delete(ctx, connection)
}

var errNoEndpoint = errors.New("gateway: no endpoint, neither set nor from an event")
