package load

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"waggle/clients/go/waggle"
)

// reportID begins the ids of reports. The rest is the report's seq.
const reportID = "r"

// A member is one connection, and what the frames on it have said.
type member struct {
	r      *runner
	name   string
	at     waggle.Point
	client *waggle.Client
	busy   atomic.Bool // a report or request of it is under way

	mu             sync.Mutex
	dialing        time.Time       // when the last handshake began
	dropped        time.Time       // when it was cut; zero: it has been welcomed since
	match, request string          // under way
	over           map[string]bool // matches and requests that a frame has ended
	pushes         int             // locations of its peer
}

func (m *member) connect(ctx context.Context) error {
	m.over = map[string]bool{}
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	o := m.r.Options(m.name)
	token := o.Token
	o.Token = func(ctx context.Context) (string, error) {
		t, err := token(ctx)
		m.mu.Lock()
		m.dialing = time.Now()
		m.mu.Unlock()
		return t, err
	}
	o.OnConnect = func(at time.Time) {
		m.mu.Lock()
		took := at.Sub(m.dialing)
		m.mu.Unlock()
		m.r.now.Load().add(connects, took)
	}
	o.OnFrame = func(dir waggle.Direction, raw []byte, at time.Time) {
		if dir == waggle.Received {
			m.receive(raw, at)
		}
	}
	client, err := waggle.Connect(ctx, o)
	if err != nil {
		return err
	}
	m.client = client
	return nil
}

// receive notes what a frame says.
func (m *member) receive(raw []byte, at time.Time) {
	var f struct {
		Type, ID, Code, Message string
		Match                   json.RawMessage
		Seq                     int64
	}
	if json.Unmarshal(raw, &f) != nil {
		return // the client reports what is no frame
	}
	match := strings.Trim(string(f.Match), `"`)
	switch f.Type {
	case "ack", "error":
		if text, ok := strings.CutPrefix(f.ID, reportID); ok {
			if seq, err := strconv.ParseInt(text, 10, 64); err == nil {
				m.r.sent.answer(seq, f.Code, at)
				return
			}
		}
		if f.Type == "error" {
			m.r.now.Load().refuse(f.Code)
		}
	case "": // of API Gateway; it does not say which message it answers
		t := m.r.now.Load()
		t.refuseOne(f.Message, &t.gateway)
	case "location":
		m.r.sent.pushed(f.Seq, at)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch f.Type {
	case "location":
		m.pushes++
	case "matched":
		m.match, m.request = match, ""
	case "waiting":
		m.request = f.ID
	case "no_match":
		m.request = ""
		m.over[f.ID] = true
	case "ended":
		if match == "" {
			m.over[m.request], m.request = true, ""
		} else {
			m.over[match] = true
			if m.match == match {
				m.match = ""
			}
		}
	case "welcome":
		if !m.dropped.IsZero() {
			m.r.cameBack(at.Sub(m.dropped))
			m.dropped = time.Time{}
		}
	}
}

func (m *member) underWay() (match, request string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.match, m.request
}

// report sends where the member is, some metres from its place.
func (m *member) report(ctx context.Context, done chan string) {
	t := m.r.now.Load()
	seq := m.r.sent.add(t, done)
	at := m.r.place.near(m.at)
	err := m.client.Report(ctx, waggle.Location{ID: reportID + strconv.FormatInt(seq, 10), Lat: at.Lat, Lng: at.Lng, Seq: seq})
	if err != nil {
		m.r.sent.answer(seq, notSent, time.Now())
	}
}

// reportAndWait reports, and waits for the acknowledgement.
func (m *member) reportAndWait(ctx context.Context) error {
	done := make(chan string, 1)
	m.report(ctx, done)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case refused := <-done:
		if refused != "" {
			return errors.New("its report was answered with " + refused)
		}
		return nil
	}
}

// asks asks for the nearest member in the town, follows it for a while, and ends the match.
func (m *member) asks(ctx context.Context) {
	asking, cancel := context.WithTimeout(lasting(ctx), patience)
	defer cancel()
	t := m.r.now.Load()
	t.count(&t.requests)
	at := m.r.place.inTown()
	began := time.Now()
	out, err := m.client.Match(asking, waggle.Match{Point: &at})
	var refused *waggle.Error
	switch {
	case errors.As(err, &refused):
		return // it is counted by its frame
	case err != nil:
		t.count(&t.unanswered)
		m.abandon(lasting(ctx))
		return
	case out.NoMatch != nil:
		t.count(&t.noMatch)
		return
	case out.Matched == nil:
		return
	}
	t.add(matches, time.Since(began))
	select {
	case <-ctx.Done():
	case <-time.After(m.r.Follow):
	}
	ending, cancel := context.WithTimeout(lasting(ctx), 2*patience)
	defer cancel()
	if _, err := m.client.End(ending, out.Matched.Match, waggle.Completed); err != nil && !errors.As(err, &refused) {
		t.count(&t.unanswered)
	}
}

// abandon ends the match or request whose outcome is not known.
func (m *member) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if w, err := m.client.Hello(ctx); err == nil && w.Match != nil {
		_, _ = m.client.End(ctx, w.Match.Match, waggle.Completed) // the check at the end finds it otherwise
	}
}

// waits keeps a request open that nobody fits, until ctx ends.
func (m *member) waits(ctx context.Context) {
	at := m.r.place.inTown()
	for ctx.Err() == nil {
		_, err := m.client.Match(ctx, waggle.Match{Point: &at, Tags: []string{"nobody"}, Wait: 600})
		if err != nil { // refused: too many of them, or too much load
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Second):
			}
		}
	}
}
