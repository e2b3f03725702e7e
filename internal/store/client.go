// Package store keeps members, requests and matches in Valkey or Redis, single
// or cluster. Open connects; a Store implements match.Store. Each step is one
// Lua script on one slot, so it is atomic. Where an answer was lost, or the cache
// fails over, the client repeats the step for some seconds, but for those that must
// not be. Everything stored expires by itself.
package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
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
	// Token, where it is set, makes the password of each new connection.
	Token func(context.Context) (string, error)
	// TLS is for rediss; nil: the system's certificate authorities, TLS 1.2 or later.
	TLS   *tls.Config
	Pools pool.Pools
	// Offset is added to the cache's clock; nil: nothing is. Tests move time by it.
	Offset func() time.Duration
	// Hook, where it is set, makes every trip: tests count and cut them, and the stack on
	// one machine loses replies on demand.
	Hook Hook
	// Sleep pauses before a repeat; nil: match.Sleep.
	Sleep func(context.Context, time.Duration) error
	// Rewrite, where it is set, returns the script to run in place of the one of
	// that name, preludes included: tests count its branches and break it.
	Rewrite func(name, text string) string
}

// A Hook makes a trip, whose commands run these scripts on these members or cells, by
// calling send once or more. send delivers the commands of those indices, all where none
// is given. A command that is never sent fails, one sent twice was delivered
// twice, and one sent again with a context that has ended loses its reply.
type Hook func(ctx context.Context, commands []Command, send func(ctx context.Context, which ...int))

// Command is one command of a trip.
type Command struct {
	Script string
	// Key is what the slot is of: pool/member, or pool/cell.
	Key string
}

// Store is a match.Store on a cache.
type Store struct {
	option valkey.ClientOption
	host   string
	mu     sync.Mutex
	client valkey.Client // nil until the cache has answered
	// failure is that of the last attempt to connect, if it failed.
	failure  error
	failedAt time.Time
	scripts  map[string]script
	pools    pool.Pools
	offset   func() time.Duration
	hook     Hook
	sleep    func(context.Context, time.Duration) error
}

var _ match.Store = (*Store)(nil)

const (
	dialTimeout  = 2 * time.Second
	writeTimeout = 4 * time.Second
	buffer       = 16 << 10
)

// Open prepares to connect to the cache, which the first step does: a function
// starts, and says that it is unavailable, where the cache does not answer yet.
// The error says what is allowed where the URL is malformed.
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
	if o.Token != nil {
		option.AuthCredentialsFn = func(valkey.AuthCredentialsContext) (valkey.AuthCredentials, error) {
			ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
			defer cancel()
			token, err := o.Token(ctx)
			return valkey.AuthCredentials{Username: o.User, Password: token}, err
		}
	}
	if u.Scheme == "rediss" {
		if option.TLSConfig = o.TLS; o.TLS == nil {
			option.TLSConfig = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		}
	}
	s := &Store{option: option, host: u.Host, scripts: scripts(o.Rewrite), pools: o.Pools, offset: o.Offset, hook: o.Hook, sleep: o.Sleep}
	if s.offset == nil {
		s.offset = func() time.Duration { return 0 }
	}
	if s.sleep == nil {
		s.sleep = match.Sleep
	}
	if s.hook == nil {
		s.hook = func(ctx context.Context, _ []Command, send func(context.Context, ...int)) { send(ctx) }
	}
	return s, nil
}

// explain puts into words what a server says to who has not the right password,
// or no TLS.
func (s *Store) explain(err error) error {
	reply, ok := valkey.IsValkeyErr(err)
	switch {
	case ok && strings.HasPrefix(reply.Error(), "WRONGPASS") && s.option.AuthCredentialsFn != nil:
		return fmt.Errorf("it does not take the IAM token of user %s: is the user with IAM in the cache's user group, under a name that is its id; "+
			"may the role do elasticache:Connect on cache and user; are the cache's kind and name right", s.option.Username)
	case ok && strings.HasPrefix(reply.Error(), "NOAUTH"):
		return errors.New("it wants a password: redis://:password@host:port, or redis://user:password@host:port")
	case ok && strings.HasPrefix(reply.Error(), "WRONGPASS"):
		return errors.New("it takes neither this user nor this password, or not together: redis://user:password@host:port")
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time: rediss:// is for a server that speaks TLS, redis:// for one that does not")
	}
	return err
}

// retryAfter is how long a failed attempt to connect answers for all others: they
// would only wait one after the other for the same.
const retryAfter = time.Second

// connect returns the client, having connected if nobody has yet.
func (s *Store) connect() (valkey.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil && time.Since(s.failedAt) < retryAfter {
		return nil, s.failure
	}
	if s.client == nil {
		client, err := valkey.NewClient(s.option)
		if err != nil {
			s.failure, s.failedAt = fmt.Errorf("cache %s: %w", s.host, s.explain(err)), time.Now()
			return nil, s.failure
		}
		s.client, s.failure = client, nil
	}
	return s.client, nil
}

// Close lets the connections go.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.Close()
	}
}

// Ping reports whether the cache answers; the error names where it should.
func (s *Store) Ping(ctx context.Context) error {
	client, err := s.connect()
	if err != nil {
		return err
	}
	if err := client.Do(ctx, client.B().Ping().Build()).Error(); err != nil {
		return fmt.Errorf("cache %s: %w", s.host, err)
	}
	return nil
}
