// Package store keeps members, requests and matches in Valkey or Redis, single
// or cluster. Start at Open: a Store implements match.Store. Each step is one Lua
// script on one slot, so it is atomic. If a reply is lost or the cache fails over, the
// step is retried for some seconds, unless it must be sent once. Everything stored
// expires by itself.
package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	// Events: the scripts write events for the application.
	Events bool
	// Offset is added to the cache's clock; nil: nothing. Tests move time with it.
	Offset func() time.Duration
	// Hook, if set, makes every trip: tests count trips and cut them, and the local stack
	// injects faults.
	Hook Hook
	// Observe, if set, is told of each trip.
	Observe func(context.Context, Trip)
	// Sleep pauses before a repeat; nil: match.Sleep.
	Sleep func(context.Context, time.Duration) error
	// Rewrite, if set, returns the text to use in place of that of a file of scripts, such as
	// "common" or "member/report": tests count its branches and mutate it.
	Rewrite func(file, text string) string
}

// A Hook makes a trip by calling send once or more. send delivers the commands with
// these indices, or all if none is given. A command that is never sent fails; one sent
// twice is delivered twice; one sent again with a context that has ended loses its reply.
type Hook func(ctx context.Context, commands []Command, send func(ctx context.Context, which ...int))

// Command is one command of a trip.
type Command struct {
	Script string
	Key    string   // pool/member, or pool/cell
	Args   []string // of the script, after the clock's offset
}

// Store is a match.Store on a cache.
type Store struct {
	*cache
	unpublished func(match.Unpublished) // is passed what steps find; nil: nobody wants it
}

// A cache is what all views of a Store share.
type cache struct {
	option valkey.ClientOption
	host   string
	mu     sync.Mutex
	client valkey.Client // nil until the cache has answered
	// failure is that of the last attempt to connect, if it failed.
	failure  error
	failedAt time.Time
	code     func() code
	// textsOnly: the cache takes no library of functions.
	textsOnly atomic.Bool
	loading   sync.Mutex
	loads     int // how often that was tried
	pools     pool.Pools
	counts    counts
	offset    func() time.Duration
	hook      Hook
	observe   func(context.Context, Trip)
	events    bool
	sleep     func(context.Context, time.Duration) error
}

var _ match.Store = (*Store)(nil)

const (
	dialTimeout  = 2 * time.Second
	writeTimeout = 4 * time.Second
	buffer       = 16 << 10
)

var errMalformed = errors.New("cache: the URL must be redis://host:port or rediss://host:port")

// Open prepares to connect to the cache; Prepare or the first step connects. So a function
// starts while the cache is down, and answers that it is unavailable. If the URL is
// malformed the error says what is allowed.
func Open(o Options) (*Store, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || (u.Scheme != "redis" && u.Scheme != "rediss") || u.Hostname() == "":
		return nil, errMalformed
	case strings.Trim(u.Path, "/") != "", u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		// A cluster has only database 0, and no parameter is known.
		return nil, fmt.Errorf("%w, and nothing after the port: a database or parameters cannot be chosen", errMalformed)
	case u.User != nil && (o.User != "" || o.Password != "" || o.Token != nil):
		return nil, errors.New("cache: the URL has a user or a password, and so have the other settings: leave one of them out")
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || port == 0) {
		return nil, fmt.Errorf("%w, with a port from 1 to 65535", errMalformed)
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
	if u.User != nil {
		option.Username = u.User.Username()
		option.Password, _ = u.User.Password()
	}
	if o.Token != nil {
		option.AuthCredentialsFn = func(valkey.AuthCredentialsContext) (valkey.AuthCredentials, error) {
			ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
			defer cancel()
			token, err := o.Token(ctx)
			if err != nil {
				err = unsent{err}
			}
			return valkey.AuthCredentials{Username: o.User, Password: token}, err
		}
	}
	if u.Scheme == "rediss" {
		if option.TLSConfig = o.TLS; o.TLS == nil {
			option.TLSConfig = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		}
	}
	s := &Store{cache: &cache{option: option, host: u.Host, code: sync.OnceValue(func() code { return readCode(o.Rewrite) }), pools: o.Pools,
		offset: o.Offset, hook: o.Hook, observe: o.Observe, events: o.Events, sleep: o.Sleep}}
	if s.offset == nil {
		s.offset = func() time.Duration { return 0 }
	}
	if s.sleep == nil {
		s.sleep = match.Sleep
	}
	return s, nil
}

// explain turns the server's authentication and TLS errors into advice.
func (s *Store) explain(err error) error {
	reply, ok := valkey.IsValkeyErr(err)
	switch {
	case ok && strings.HasPrefix(reply.Error(), "WRONGPASS") && s.option.AuthCredentialsFn != nil:
		return refusedSignIn{fmt.Errorf("it does not take the IAM token of user %s: is the user with IAM in the cache's user group, under a name that is its id; "+
			"may the role do elasticache:Connect on cache and user; are the cache's kind and name right", s.option.Username)}
	case ok && strings.HasPrefix(reply.Error(), "NOAUTH"):
		return refusedSignIn{errors.New("it wants a password: redis://:password@host:port, or redis://user:password@host:port")}
	case ok && strings.HasPrefix(reply.Error(), "WRONGPASS"):
		return refusedSignIn{errors.New("it takes neither this user nor this password, or not together: redis://user:password@host:port")}
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time: rediss:// is for a server that speaks TLS, redis:// for one that does not")
	}
	return err
}

// retryAfter is how long every step fails at once after an attempt to connect has failed:
// otherwise each step would wait for the same failed connection. How a step is retried is in
// repeat.go.
const retryAfter = time.Second

// connect returns the client. It connects if that was not done yet.
func (s *Store) connect() (valkey.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil && time.Since(s.failedAt) < retryAfter {
		return nil, s.failure
	}
	if s.client == nil {
		client, err := valkey.NewClient(s.option)
		if err != nil {
			s.failure, s.failedAt = unsent{fmt.Errorf("cache %s: %w", s.host, s.explain(err))}, time.Now()
			return nil, s.failure
		}
		s.client, s.failure = client, nil
	}
	return s.client, nil
}

// Close closes the connections.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.Close()
	}
}

// Prepare connects to every node that has slots, and sees to it that they have the library, so
// that the first step need not. A cache whose functions cannot be used gets texts from now on.
func (s *Store) Prepare(ctx context.Context) error {
	go s.code() // it is needed once the client is connected
	client, err := s.connect()
	if err != nil {
		return err
	}
	if err = s.callReady(ctx, client); refused(err) {
		s.loadLibrary(ctx)
		if err = s.callReady(ctx, client); refused(err) {
			s.textsOnly.Store(true)
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("cache %s: %w", s.host, err)
	}
	return nil
}

// callReady calls the function ready in every node that has slots: the client connects to a node
// with the first command for one of them. It returns a refusal, or else another error.
func (s *Store) callReady(ctx context.Context, client valkey.Client) error {
	calls := make([]valkey.Completed, 1)
	if client.Mode() == valkey.ClientModeCluster {
		calls = make([]valkey.Completed, spread)
	}
	for i := range calls {
		calls[i] = client.B().Fcall().Function(s.code().function(ready)).Numkeys(1).Key(memberKeys(match.Member{ID: strconv.Itoa(i)})[0]).Build()
	}
	var failed error
	for _, r := range client.DoMulti(ctx, calls...) {
		if err := markUnsent(r).Error(); failed == nil || refused(err) {
			failed = err
		}
	}
	return failed
}

// refused tells whether a cache refused a call for a reason that lasts.
func refused(err error) bool {
	reply, ok := valkey.IsValkeyErr(err)
	return ok && !transient(reply)
}

// spread is how many keys callReady names. Their slots are spread at random: of a dozen nodes
// each one is missed once in 250 starts, of three never.
const spread = 64

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
