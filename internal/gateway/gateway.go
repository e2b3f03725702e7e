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
	"sync"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// A Pusher is a match.Pusher that makes its [Client] with its first push. It is
// safe for concurrent use.
type Pusher struct {
	mu       sync.Mutex
	endpoint string
	client   *Client
}

var _ match.Pusher = (*Pusher)(nil)

// NewPusher returns a Pusher for an endpoint as [New] takes it. If that is "", the
// Pusher needs [Pusher.Learn].
func NewPusher(endpoint string) *Pusher { return &Pusher{endpoint: endpoint} }

// PusherOn returns a Pusher that uses a given client.
func PusherOn(client *Client) *Pusher { return &Pusher{client: client} }

// Learn takes the endpoint from the domain and the stage of an event, unless the
// Pusher has one already.
func (p *Pusher) Learn(domain, stage string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.endpoint == "" {
		p.endpoint = "https://" + domain + "/" + stage
	}
}

// Push sends a frame to a connection, see [Client.Post].
func (p *Pusher) Push(ctx context.Context, connection string, f protocol.Frame) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	return client.Post(ctx, connection, protocol.Encode(f))
}

// Close closes a connection, see [Client.Delete].
func (p *Pusher) Close(ctx context.Context, connection string) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	return client.Delete(ctx, connection)
}

func (p *Pusher) connect(ctx context.Context) (*Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client == nil {
		client, err := New(ctx, p.endpoint)
		if err != nil {
			return nil, err
		}
		p.client = client
	}
	return p.client, nil
}
