// Package store keeps members, requests and matches in Valkey or Redis, single
// or cluster. Open connects; a Store implements match.Store. Each step is one
// Lua script on one slot, so it is atomic, and it may be repeated: the client
// does so once where the answer was lost. Everything stored expires by itself.
package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/match"
	"waggle/internal/pool"
)

// Options say how to reach the cache.
type Options struct {
	// URL is redis://host:port or, for TLS, rediss://host:port. A cluster is
	// found by itself from any of its nodes.
	URL            string
	User, Password string
	// TLS is for rediss; nil: the system's certificate authorities, TLS 1.2 or later.
	TLS   *tls.Config
	Pools pool.Pools
	// Offset is added to the cache's clock; nil: nothing is. Tests move time by it.
	Offset func() time.Duration
	// Hook, where it is set, runs every trip: tests count them and cut them. A
	// trip not run fails, one run twice was delivered twice, and one run again
	// with a context that has ended loses its replies.
	Hook func(ctx context.Context, commands int, trip func(context.Context))
}

// Store is a match.Store on a cache.
type Store struct {
	client  valkey.Client
	scripts map[string]script
	pools   pool.Pools
	offset  func() time.Duration
	hook    func(context.Context, int, func(context.Context))
}

var _ match.Store = (*Store)(nil)

const (
	dialTimeout  = 2 * time.Second
	writeTimeout = 4 * time.Second
	buffer       = 16 << 10
)

// Open connects to the cache. The error names the URL without its password, and
// what is allowed where it is malformed.
func Open(o Options) (*Store, error) {
	u, err := url.Parse(o.URL)
	if err != nil || (u.Scheme != "redis" && u.Scheme != "rediss") || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("cache: the URL must be redis://host:port or rediss://host:port")
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	option := valkey.ClientOption{
		InitAddress:  []string{net.JoinHostPort(u.Hostname(), port)},
		Username:     o.User,
		Password:     o.Password,
		Dialer:       net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second},
		DisableCache: true,
		// A Lambda serves one event at a time: one connection a node and small
		// buffers start fastest.
		PipelineMultiplex:   -1,
		ClientSetInfo:       valkey.DisableClientSetInfo,
		RingScaleEachConn:   6,
		ReadBufferEachConn:  buffer,
		WriteBufferEachConn: buffer,
		ConnWriteTimeout:    writeTimeout,
	}
	if u.User != nil && o.User == "" && o.Password == "" {
		option.Username = u.User.Username()
		option.Password, _ = u.User.Password()
	}
	if u.Scheme == "rediss" {
		if option.TLSConfig = o.TLS; o.TLS == nil {
			option.TLSConfig = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		}
	}
	client, err := valkey.NewClient(option)
	if err != nil {
		return nil, fmt.Errorf("cache %s: %w", u.Host, explain(err))
	}
	s := &Store{client: client, scripts: scripts(), pools: o.Pools, offset: o.Offset, hook: o.Hook}
	if s.offset == nil {
		s.offset = func() time.Duration { return 0 }
	}
	if s.hook == nil {
		s.hook = func(ctx context.Context, _ int, trip func(context.Context)) { trip(ctx) }
	}
	return s, nil
}

// explain puts into words what a server says to who has not the right password.
func explain(err error) error {
	reply, ok := valkey.IsValkeyErr(err)
	switch {
	case ok && strings.HasPrefix(reply.Error(), "NOAUTH"):
		return errors.New("it wants a password: redis://:password@host:port, or redis://user:password@host:port")
	case ok && strings.HasPrefix(reply.Error(), "WRONGPASS"):
		return errors.New("it takes neither this user nor this password, or not together: redis://user:password@host:port")
	}
	return err
}

// Close lets the connections go.
func (s *Store) Close() { s.client.Close() }

// Ping reports whether the cache answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.client.Do(ctx, s.client.B().Ping().Build()).Error(); err != nil {
		return fmt.Errorf("cache: ping: %w", err)
	}
	return nil
}
