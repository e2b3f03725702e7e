package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"

	"waggle/internal/match"
)

// Timeout bounds one call with its retry. A call that takes longer fails with
// context.DeadlineExceeded. From a network without a way out it would otherwise
// hang for as long as the function may run.
const Timeout = 2 * time.Second

// Client calls @connections at one endpoint. It is safe for concurrent use.
//
// An error wraps match.ErrConnectionGone if API Gateway knows no such connection
// (410). That is a hint only: a message sent earlier may have arrived, and a
// connection is unknown until $connect has returned. Other errors have the status
// in their text: 403 if the caller lacks execute-api:ManageConnections, 413 for
// more than 128 KB, 429 if the client's buffer is full or the account's rate is
// used up.
type Client struct {
	api  *apigatewaymanagementapi.Client
	http *http.Client
	url  string
}

// New returns a client for an endpoint such as https://{domain}/{stage}, or
// http://127.0.0.1:8080/prod. It makes no request.
func New(endpoint, region string, credentials aws.CredentialsProvider) *Client {
	c := &Client{http: httpClient(), url: endpoint}
	c.api = apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       region,
		Credentials:  credentials,
		HTTPClient:   c.http,
		Retryer:      retryOnce(),
	})
	return c
}

// Prepare opens the connection that the first post will use. The request for it has no
// signature, so API Gateway refuses it without looking further.
func (c *Client) Prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/@connections/prepare", nil)
	if err != nil {
		return fmt.Errorf("gateway: prepare: %w", err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("gateway: prepare: %w", err)
	}
	defer response.Body.Close()
	_, err = io.CopyN(io.Discard, response.Body, 64<<10) // a connection is free once its response has been read
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("gateway: prepare: %w", err)
	}
	return nil
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

// Delete closes a connection, once the client has what was posted to it before.
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
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusGone {
		err = match.ErrConnectionGone
	}
	return fmt.Errorf("gateway: %s to connection %s: %w", operation, connectionID, err)
}

// retryOnce repeats a request at once, a single time, when its connection
// failed. A response, whatever its status, is final: a retry after a 429 would
// deliver an old message late and make the congestion worse.
func retryOnce() *retry.Standard {
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

// httpClient keeps as many connections as one function pushes to at once. It
// closes idle ones before the far end does. It follows no redirects: a signature is
// for one URL.
func httpClient() *http.Client {
	dialer := &net.Dialer{Timeout: time.Second, KeepAlive: 15 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			ForceAttemptHTTP2:   true,
			MaxIdleConns:        64,
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     30 * time.Second,
			TLSHandshakeTimeout: time.Second,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
