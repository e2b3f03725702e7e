package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// A Pusher is a match.Pusher that sends frames through connection management. It
// connects with its first push.
type Pusher struct {
	mu       sync.Mutex
	endpoint string
	client   *Client
}

var _ match.Pusher = (*Pusher)(nil)

// NewPusher returns a Pusher for an endpoint as New takes it; "": the one that the
// first event came through, as Learn is told.
func NewPusher(endpoint string) *Pusher { return &Pusher{endpoint: endpoint} }

// PusherOn returns a Pusher on a client that is there already.
func PusherOn(client *Client) *Pusher { return &Pusher{client: client} }

// Learn takes the domain and the stage of an event for the endpoint, where there is none yet.
func (p *Pusher) Learn(domain, stage string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.endpoint == "" {
		p.endpoint = "https://" + domain + "/" + stage
	}
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

// Push implements match.Pusher.
func (p *Pusher) Push(ctx context.Context, connection string, f protocol.Frame) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	return gone(client.Post(ctx, connection, protocol.Encode(f)))
}

// Close implements match.Pusher.
func (p *Pusher) Close(ctx context.Context, connection string) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	return gone(client.Delete(ctx, connection))
}

func gone(err error) error {
	if errors.Is(err, ErrGone) {
		return fmt.Errorf("%w: %w", match.ErrConnectionGone, err)
	}
	return err
}
