package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A try tries one fact.
type try struct {
	fact string
	// rows begin the rows of docs/aws-behaviour.md that it is about.
	rows []string
	// of says what was found, and whether that is the fact.
	of func(context.Context, *subject) (found string, holds bool, err error)
}

func (t try) on(ctx context.Context, s *subject) finding {
	found, ok, err := t.of(ctx, s)
	switch {
	case errors.Is(err, errNotAWS), errors.Is(err, errLeftOut):
		return finding{t.fact, err.Error(), untried}
	case err != nil && found == "":
		return finding{t.fact, err.Error(), differs}
	case ok:
		return finding{t.fact, found, holds}
	}
	return finding{t.fact, found, differs}
}

var errLeftOut = errors.New("left out")

// pushes is the first of all: without a way out of the VPC nothing is ever answered.
func (s *subject) pushes(ctx context.Context) finding {
	return try{fact: "`@connections` is reached with egress=" + s.egress, of: func(ctx context.Context, s *subject) (string, bool, error) {
		w, err := s.connect(ctx, 0)
		if err != nil {
			return "", false, err
		}
		defer w.CloseNow()
		began := time.Now()
		if _, err := w.ask(ctx, `{"action":"hello"}`, "welcome"); err != nil {
			return "", false, err
		}
		return fmt.Sprintf("`hello` was answered after %d ms", time.Since(began).Milliseconds()), true, nil
	}}.on(ctx, s)
}

// facts are what is tried, in this order; the last ones break the stack.
func facts() []try {
	return []try{
		{"without a token: 401; with a bad one: 403", []string{"A policy that allows"}, refusals},
		{"a URL of over 4096 characters is refused with 414", []string{"A URL of more than 4096"}, longURL},
		{"the authorizer's context comes with every message", []string{"Its context and `principalId`"}, contextOfMessages},
		{"it comes with `$disconnect` too, which comes soon after a close", []string{"Its context and `principalId`"}, contextOfDisconnect},
		{"`$connect`, `$disconnect` and `$default` cannot be reached by name", []string{"`$connect`, `$disconnect` and `$default`"}, routesByName},
		{"scripts run in the cache (EVALSHA, or EVAL after it): two members are matched", nil, matched},
		{"a binary frame closes with 1003", nil, closes(binaryFrame, 1003)},
		{"a frame over 32 KB closes with 1009", nil, closes(longFrame, 1009)},
		{"a message over 128 KB closes with 1009", nil, closes(longMessage, 1009)},
		{"text that is not UTF-8 closes with 1007", nil, closes(notText, 1007)},
		{"a connection that a function deletes is closed with 1000, after what was posted", []string{"DELETE sends what was posted"}, replaced},
		{"cold starts", nil, coldStarts},
		{"a connection that only pings is closed after 10 minutes with 1001", nil, idle},
		{"a function that cannot run gives the client `Internal server error`; a dropped connection gives 410 in time",
			[]string{"… the number of environments is bounded"}, throttled},
	}
}

// beyond are the rows of docs/aws-behaviour.md that are not verified and cannot be tried
// from outside within the time, each with why.
func beyond() map[string]string {
	return map[string]string{
		"A `$connect` that takes longer than 29 s":  "no function of ours takes so long",
		"A refused upgrade is followed by no":       "that something never comes cannot be seen",
		"What is no upgrade gets 426":               "nothing of ours depends on it",
		"Its context may hold strings":              "ours holds strings only",
		"Each has the time at which it arrived":     "clients do not see the events",
		"No more than 32 of one connection":         "the bound is not ours to find",
		"After 2 hours":                             "it takes two hours",
		"`$disconnect` has `disconnectStatusCode`":  "clients do not see the events",
		"When the gateway goes away":                "AWS does not go away on demand",
		"A request that is not signed":              "nothing of ours posts unsigned",
		"A client that does not take what is sent:": "what the gateway holds for a slow client is not seen from outside",
	}
}
