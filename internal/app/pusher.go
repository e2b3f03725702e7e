package app

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/internal/push"
)

// pusher sends frames through connection management. Without a configured
// endpoint it is the one that the first event came through.
type pusher struct {
	endpoint string
	mu       sync.Mutex
	client   *push.Client
}

// Pusher sends frames by a client that is there already.
func Pusher(client *push.Client) match.Pusher { return &pusher{client: client} }

func (p *pusher) learn(domain, stage string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.endpoint == "" {
		p.endpoint = "https://" + domain + "/" + stage
	}
}

func (p *pusher) connect(ctx context.Context) (*push.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client == nil {
		client, err := push.New(ctx, p.endpoint)
		if err != nil {
			return nil, err
		}
		p.client = client
	}
	return p.client, nil
}

// Push implements match.Pusher.
func (p *pusher) Push(ctx context.Context, connection string, f protocol.Frame) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	return gone(client.Post(ctx, connection, protocol.Encode(f)))
}

// Close implements match.Pusher.
func (p *pusher) Close(ctx context.Context, connection string) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	return gone(client.Delete(ctx, connection))
}

func gone(err error) error {
	if errors.Is(err, push.ErrGone) {
		return fmt.Errorf("%w: %w", match.ErrConnectionGone, err)
	}
	return err
}
