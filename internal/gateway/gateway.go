// Package push sends to clients through API Gateway's connection-management
// API, @connections. Start at [New].
//
// A push that fails loses no state: clients get everything back by asking.
// So nothing here persists, and the only thing tried twice is a connection
// that broke, which is what a frozen environment finds in its pool on waking.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
)

// The reasons for which API Gateway refuses a push, for errors.Is. A call
// that took longer than [Timeout] matches context.DeadlineExceeded.
var (
	// ErrGone: no such connection (410). A hint only: an earlier message may
	// have arrived, and a connection is unknown until $connect has returned.
	ErrGone = errors.New("connection is gone")
	// ErrLimit: the client's buffer is full, or the account's rate is used up
	// (429). Send the newest later instead of this one again.
	ErrLimit = errors.New("limit exceeded")
	// ErrTooLarge: more than 128 KB (413).
	ErrTooLarge = errors.New("payload too large")
	// ErrForbidden: the caller lacks execute-api:ManageConnections (403).
	ErrForbidden = errors.New("forbidden")
)

// Timeout bounds one call with its retry. From a network without a way out a
// request would otherwise hang for as long as the function may run.
const Timeout = 2 * time.Second

// Client calls @connections at one endpoint. It is safe for concurrent use.
type Client struct {
	api *apigatewaymanagementapi.Client
}

// New returns a client for an endpoint such as https://{domain}/{stage}, or
// http://127.0.0.1:8080/prod. Credentials and region come from the SDK's
// default chain, which options may override; the region defaults to us-east-1.
// New makes no request.
func New(ctx context.Context, endpoint string, options ...func(*config.LoadOptions) error) (*Client, error) {
	options = append([]func(*config.LoadOptions) error{
		config.WithDefaultRegion("us-east-1"),
		config.WithHTTPClient(httpClient()),
		config.WithRetryer(func() aws.Retryer { return onceMore() }),
	}, options...)
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("push: load AWS configuration: %w", err)
	}
	return &Client{api: apigatewaymanagementapi.NewFromConfig(cfg, func(o *apigatewaymanagementapi.Options) {
		o.BaseEndpoint = aws.String(endpoint)
	})}, nil
}

// Post sends data, one text message of at most 128 KB, to a connection. Success
// means that API Gateway took it, not that the client has it.
func (c *Client) Post(ctx context.Context, connectionID string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err := c.api.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
		ConnectionId: &connectionID,
		Data:         data,
	})
	return wrap("post", connectionID, err)
}

// Delete closes a connection after what was posted to it before.
func (c *Client) Delete(ctx context.Context, connectionID string) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err := c.api.DeleteConnection(ctx, &apigatewaymanagementapi.DeleteConnectionInput{
		ConnectionId: &connectionID,
	})
	return wrap("delete", connectionID, err)
}

// wrap goes by the status and not by the SDK's exception types, which depend
// on a header that proxies and emulators may leave out.
func wrap(operation, connectionID string, err error) error {
	if err == nil {
		return nil
	}
	reason := err
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		switch response.HTTPStatusCode() {
		case http.StatusGone:
			reason = ErrGone
		case http.StatusTooManyRequests:
			reason = ErrLimit
		case http.StatusRequestEntityTooLarge:
			reason = ErrTooLarge
		case http.StatusForbidden:
			reason = fmt.Errorf("%w: %w", ErrForbidden, err)
		}
	}
	return fmt.Errorf("push: %s to connection %s: %w", operation, connectionID, reason)
}

// onceMore repeats a request at once, a single time, when its connection
// failed. An answer, whatever its status, is final: repeating after a 429
// would deliver an old point late and make the congestion worse.
func onceMore() *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 2
		o.RateLimiter = ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		o.Retryables = []retry.IsErrorRetryable{
			retry.NoRetryCanceledError{},
			retry.RetryableConnectionError{},
		}
	})
}

// httpClient keeps a pool as wide as one function's fan-out. Idle sockets are
// let go before the far end drops them.
func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) {
			d.Timeout = time.Second
			d.KeepAlive = 15 * time.Second
		}).
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns = 64
			t.MaxIdleConnsPerHost = 64
			t.IdleConnTimeout = 30 * time.Second
			t.TLSHandshakeTimeout = time.Second
		})
}
