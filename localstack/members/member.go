package members

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"waggle/clients/go/waggle"
)

// How members meet. A match ends soon, so that most members are free to be found, but not so
// soon that its end costs anything.
const (
	radius  = 2000 // metres
	meeting = 65 * time.Second
)

// thinking is how long a member takes to answer an offer.
const thinking = 2 * time.Second

// A member drives a walk, and is a client.
type member struct {
	config  Config
	walk    *walk
	id      string
	answers *rand.Rand // decides the answer to each offer
}

func newMember(c Config, w *walk, number int) *member {
	// Its own randomness: the offers that come do not change the walk.
	answers := rand.New(rand.NewPCG(c.Seed, 1<<32+uint64(number)))
	return &member{config: c, walk: w, id: fmt.Sprintf("member-%d", number), answers: answers}
}

// live runs until ctx ends or the server refuses the member.
func (m *member) live(ctx context.Context) {
	if err := m.drive(ctx); err != nil && ctx.Err() == nil {
		m.config.Log.Warn("a simulated member left", "member", m.id, "err", err)
	}
}

// drive drives the walk, and asks for another member now and then.
func (m *member) drive(ctx context.Context) error {
	client, err := m.connect(ctx)
	if err != nil {
		return err
	}
	var listening sync.WaitGroup
	defer listening.Wait()
	defer client.Close()
	listening.Go(func() { // the client needs its events taken, though the member ignores most
		for event := range client.Events(ctx) {
			if offered, ok := event.(*waggle.Offered); ok && offered.Role == waggle.Matchee {
				m.answer(ctx, client, offered.Match)
			}
		}
	})
	for {
		asks, err := m.second(ctx, client)
		if err == nil && asks {
			err = m.meet(ctx, client)
		}
		if err != nil {
			return err
		}
	}
}

// connect retries while the server is unavailable.
func (m *member) connect(ctx context.Context) (*waggle.Client, error) {
	for {
		client, err := waggle.Connect(ctx, waggle.Options{URL: m.config.URL, Token: m.token, HTTPClient: m.config.Client})
		var refused *waggle.HandshakeError
		if !errors.As(err, &refused) || refused.Status < http.StatusInternalServerError || !pause(ctx, step) {
			return client, err
		}
	}
}

// meet asks for a member nearby, drives on for a while, and ends the match. Nobody may
// be near, or another member may have matched this one first: then there is nothing to end.
func (m *member) meet(ctx context.Context, client *waggle.Client) error {
	found, err := client.Match(ctx, waggle.Match{Radius: radius})
	if err != nil || found.Matched == nil || found.Matched.Role != "matcher" {
		return nil
	}
	for until := time.Now().Add(meeting); time.Now().Before(until); {
		if _, err := m.second(ctx, client); err != nil {
			return err
		}
	}
	_, _ = client.End(ctx, found.Matched.Match, waggle.Completed) // after an error the match expires, or the peer ends it
	return nil
}

// answer answers an offer, or does not. By then the offer may be over.
func (m *member) answer(ctx context.Context, client *waggle.Client, match string) {
	chance := m.answers.Float64()
	if chance < m.config.Silent || !pause(ctx, thinking) {
		return
	}
	if chance < m.config.Silent+m.config.Decline {
		_, _ = client.Decline(ctx, match)
	} else {
		_, _ = client.Accept(ctx, match)
	}
}

// second lets one second pass, and reports the new place if a report is due. While the
// client connects anew nothing is reported.
func (m *member) second(ctx context.Context, client *waggle.Client) (asks bool, err error) {
	if !pause(ctx, step) {
		return false, ctx.Err()
	}
	asks = m.walk.step()
	car := m.walk.car
	lat, lng := car.At().Degrees()
	heading, speed := car.Heading(), car.Speed()
	_, err = client.ReportWhenDue(ctx, waggle.Location{Lat: lat, Lng: lng, Motion: waggle.Motion{Heading: &heading, Speed: &speed}})
	if errors.Is(err, waggle.ErrOffline) {
		err = nil
	}
	return asks, err
}

func (m *member) token(context.Context) (string, error) {
	claims := map[string]any{"sub": m.id}
	if m.config.Pool != "" {
		claims["pool"] = m.config.Pool
	}
	return m.config.Sign(claims)
}
