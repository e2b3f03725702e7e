package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"waggle/clients/go/waggle"
)

// The driver who comes fits the request that nobody waits for any longer, and not the new one.
func TestAMatchDoesNotReturnTheOutcomeOfAnEarlierRequest(t *testing.T) {
	eachStack(t, func(t *testing.T, s *testStack) {
		ana, ben := s.join("ana"), s.join("ben")
		report(t, ana, 37.77, -122.42)
		asking, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if out, err := ana.Match(asking, waggle.Match{Wait: 60}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %+v, %v", out, err)
		}
		go func() {
			time.Sleep(time.Second)
			_ = ben.Report(t.Context(), waggle.Location{Lat: 37.78, Lng: -122.42}) // ana would be matched otherwise
		}()
		out, err := ana.Match(t.Context(), waggle.Match{Tags: []string{"xl"}, Radius: 500, Wait: 3})
		if err != nil || out.NoMatch == nil || out.NoMatch.Radius != 500 {
			t.Errorf("got %+v, %v, want that nobody fits", out, err)
		}
	})
}

func TestWhatAServerForgetsInARestartIsTold(t *testing.T) {
	s := runStack(t)
	join := func(member string) *waggle.Client {
		c, err := waggle.Connect(t.Context(), waggle.Options{URL: s.api, Token: func(context.Context) (string, error) {
			r, err := http.Get(s.base + "/token?member=" + member)
			if err != nil {
				return "", err
			}
			defer func() { _ = r.Body.Close() }()
			token, err := io.ReadAll(r.Body)
			return string(token), err
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	ana, ben := join("ana"), join("ben")
	match := pair(t, ana, ben)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		e, err := ana.End(t.Context(), match, waggle.Completed)
		if err == nil && (e.Match != match || e.Reason != waggle.Lost) {
			err = errors.New("it ended as " + e.Reason)
		}
		ended <- err
	}()
	time.Sleep(100 * time.Millisecond)
	back := runStack(t, "-addr", strings.TrimPrefix(s.base, "http://"))
	if err := <-ended; err != nil {
		t.Errorf("End: %v", err)
	}
	if e := next(t, ben, func(e *waggle.Ended) bool { return e.Match == match }); e.Reason != waggle.Lost {
		t.Errorf("ben: got %+v", e)
	}
	hello(t, ben)
	if sent, err := ben.ReportWhenDue(t.Context(), waggle.Location{ID: "back", Lat: 37.7764, Lng: -122.4172}); err != nil || !sent {
		t.Errorf("ReportWhenDue: got %t, %v", sent, err)
	}
	next(t, ben, func(a *waggle.Ack) bool { return a.ID == "back" })
	if !back.isFoundAt(37.7764, -122.4172) {
		t.Error("ben is not found")
	}
}
