package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"waggle/clients/go/waggle"
	"waggle/cmd/waggle/endpoint"
)

// patience is how long an answer, or a frame to the peer, may take. A client repeats after 5 s what
// had no answer.
const patience = 15 * time.Second

// A member notes what it is told.
type member struct {
	r      *running
	name   string
	client *waggle.Client

	mu      sync.Mutex
	changed chan struct{} // closed when something comes
	heard   map[string]int
	offered string // the newest offer
}

func (r *running) member(ctx context.Context, name string) (*member, error) {
	m := &member{r: r, name: name, changed: make(chan struct{}), heard: map[string]int{}}
	o := r.at.Options(endpoint.Member{ID: name})
	o.OnFrame = func(d waggle.Direction, raw []byte, _ time.Time) {
		if d == waggle.Received {
			m.hear(raw)
		}
	}
	o.OnDrop = func(err error, _ time.Duration) { // Drop itself, and the server's refusals
		if _, refused := err.(*waggle.HandshakeError); refused {
			r.isWrong("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var err error
	if m.client, err = waggle.Connect(ctx, o); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() { // the frames are heard above
		for range m.client.Events(context.Background()) {
		}
	}()
	return m, nil
}

// hear notes a frame, by its type and what it is about.
func (m *member) hear(raw []byte) {
	var f struct {
		Type, ID, Code, Message string
		Match                   json.RawMessage
	}
	if err := json.Unmarshal(raw, &f); err != nil || f.Type == "" {
		m.r.isWrong("%s got %.200s", m.name, raw) // such as API Gateway's own, after a function failed
		return
	}
	about := strings.Trim(string(f.Match), `"`)
	switch f.Type {
	case "error":
		m.r.isWrong("%s got the error %s: %s", m.name, f.Code, f.Message)
	case "welcome":
		var match struct{ Match string }
		_ = json.Unmarshal(f.Match, &match) // it is absent without a match
		about = match.Match
	case "ack", "waiting":
		about = f.ID
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.Type == "offered" {
		m.offered = about
	}
	m.heard[f.Type]++
	m.heard[f.Type+" "+about]++
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *member) times(what string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard[what]
}

func (m *member) offer() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.offered
}

// await waits until the member has been told something more than a number of times.
func (m *member) await(what string, before int) bool {
	late := time.After(patience)
	for {
		m.mu.Lock()
		n, changed := m.heard[what], m.changed
		m.mu.Unlock()
		if n > before {
			return true
		}
		select {
		case <-changed:
		case <-late:
			m.r.isWrong("%s did not get %q within %v", m.name, what, patience)
			return false
		}
	}
}

// report sends a report, and waits for its ack.
func (m *member) report(l waggle.Location) bool {
	l.ID = fmt.Sprintf("r%d", time.Now().UnixNano())
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := m.client.Report(ctx, l); err != nil {
		m.r.isWrong("%s: a report: %v", m.name, err)
		return false
	}
	return m.await("ack "+l.ID, 0)
}
