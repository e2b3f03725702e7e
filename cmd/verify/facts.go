package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A check tries one fact on a stack.
type check struct {
	fact string
	// rows are the beginnings of the rows of docs/aws-behaviour.md that it is about.
	rows []string
	// run returns what it found, and whether the fact holds.
	run func(context.Context, *target) (found string, holds bool, err error)
}

func (c check) on(ctx context.Context, s *target) finding {
	found, ok, err := c.run(ctx, s)
	switch {
	case errors.Is(err, errNotAWS), errors.Is(err, errLeftOut):
		return finding{c.fact, err.Error(), untried}
	case err != nil && found == "":
		return finding{c.fact, err.Error(), differs}
	case ok && err == nil:
		return finding{c.fact, found, holds}
	}
	return finding{c.fact, found, differs}
}

var errLeftOut = errors.New("left out")

// pushes comes before all checks: without a way to connection management nothing is answered.
func (s *target) pushes(ctx context.Context) finding {
	return check{fact: "`@connections` and the cache are reached, network " + s.network, run: func(ctx context.Context, s *target) (string, bool, error) {
		w, err := s.connect(ctx, 0)
		if err != nil {
			return "", false, err
		}
		defer w.CloseNow()
		began := time.Now()
		if _, err := w.request(ctx, `{"action":"hello"}`, "welcome"); err != nil {
			return "", false, err
		}
		return fmt.Sprintf("`hello` was answered after %d ms", time.Since(began).Milliseconds()), true, nil
	}}.on(ctx, s)
}

// facts lists the checks in their order. One updates the stack, the one
// before the last leaves it unusable, and the last reads the cache's metrics, which are late.
func facts() []check {
	return []check{
		{"without a token: 401; with a bad one: 403", []string{"A policy that allows"}, refusals},
		{"a URL of over 4096 characters is refused with 414", []string{"A URL of more than 4096"}, longURL},
		{"the authorizer's context comes with every message", []string{"Its context and `principalId`"}, contextOfMessages},
		{"it comes with `$disconnect` too, which comes soon after a close", []string{"Its context and `principalId`"}, contextOfDisconnect},
		{"`$connect`, `$disconnect` and `$default` cannot be reached by name", []string{"`$connect`, `$disconnect` and `$default`"}, routesByName},
		{"scripts run in the cache (FCALL, or EVAL after it): two members are matched", nil, matched},
		{"a binary frame closes with 1003", nil, closes(binaryFrame, 1003)},
		{"a frame over 32 KB closes with 1009", nil, closes(longFrame, 1009)},
		{"a message over 128 KB closes with 1009", nil, closes(longMessage, 1009)},
		{"text that is not UTF-8 closes with 1007", nil, closes(notText, 1007)},
		{"a connection that a function deletes is closed with 1000, after what was posted", []string{"DELETE sends what was posted"}, replaced},
		{"cold starts, and how long functions run when warm", nil, starts},
		{"a connection that only pings is closed after 10 minutes with 1001", nil, idle},
		{"with two-way routes `pong` and plain errors come as the responses of the routes", []string{"With a route response"}, twoWay},
		{"a function that cannot run gives the client `Internal server error`; a dropped connection gives 410 in time",
			[]string{"The number of environments is bounded"}, throttled},
		{"the cache refuses no sign-in", nil, signIns},
	}
}
