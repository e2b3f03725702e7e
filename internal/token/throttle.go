package token

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

const (
	// betweenFetches is the least time between two requests for the issuer's keys.
	betweenFetches = 10 * time.Second
	// betweenFailures is the least time between two requests while none has succeeded.
	betweenFailures = time.Second
)

var (
	// errFresh is the error of a request that comes soon after one that succeeded.
	errFresh = errors.New("the issuer has answered a moment ago")
	// errDown is the error of a request that comes soon after one that failed.
	errDown = errors.New("the issuer has failed a moment ago")
)

// A throttled transport refuses requests that come too soon after the last.
type throttled struct {
	next    http.RoundTripper
	between time.Duration
	now     func() time.Time

	mu       sync.Mutex
	asked    time.Time // start of the last request
	answered bool      // any request has succeeded
	failed   bool      // the last one has failed
}

// throttle returns a client that makes a request at most once in the given time, and at
// most once a second before the first success. Other requests fail with errFresh or errDown.
func throttle(client *http.Client, between time.Duration, now func() time.Time) *http.Client {
	slow := *client
	slow.Transport = &throttled{next: cmp.Or(client.Transport, http.DefaultTransport), between: between, now: now}
	return &slow
}

// RoundTrip implements http.RoundTripper.
func (t *throttled) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.enter(r); err != nil {
		return nil, err
	}
	response, err := t.next.RoundTrip(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = err != nil || response.StatusCode >= 400
	t.answered = t.answered || !t.failed && response.StatusCode < 300
	if errors.Is(err, context.Canceled) { // the caller gave up, so this says nothing about the issuer
		t.asked = time.Time{}
	}
	return response, err
}

func (t *throttled) enter(r *http.Request) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	between := betweenFailures
	if t.answered {
		between = t.between
	}
	switch soon := !t.asked.IsZero() && t.now().Sub(t.asked) < between; {
	case r.Response != nil: // it follows a redirect, so it belongs to the request before
		return nil
	case soon && t.failed:
		return errDown
	case soon:
		return errFresh
	}
	t.asked = t.now()
	return nil
}
