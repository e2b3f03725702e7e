// Package city moves simulated members about: plain wanderers that report where
// they are, now and then ask for somebody near and let them go again. They are
// clients like any other.
package city

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"waggle/clients/go/waggle"
)

// Pool is where the members live unless they mingle.
const Pool = "city"

// Config says who wanders where.
type Config struct {
	URL     string // of the WebSocket API
	Members int
	Pool    string // "" is the pool of a token that names none
	Sign    func(claims map[string]any) (string, error)
	Log     *slog.Logger
}

// City is a running crowd.
type City struct {
	stop func()
	all  sync.WaitGroup
}

const (
	centreLat, centreLng = 37.7749, -122.4194
	spreadMeters         = 2500
	metersPerDegree      = 111_195
	step                 = time.Second
	rampUp               = 20 * time.Millisecond // between two members
)

// Start lets the members go. Each is told apart by its number, and the same one
// walks the same way every time.
func Start(ctx context.Context, c Config) *City {
	ctx, stop := context.WithCancel(ctx)
	city := &City{stop: stop}
	for i := range c.Members {
		city.all.Go(func() {
			if !pause(ctx, time.Duration(i)*rampUp) {
				return
			}
			w := &wanderer{config: c, id: fmt.Sprintf("wanderer-%d", i+1), random: rand.New(rand.NewPCG(uint64(i), 1))}
			if err := w.live(ctx); err != nil && ctx.Err() == nil {
				c.Log.Warn("a simulated member left", "member", w.id, "err", err)
			}
		})
	}
	return city
}

// Stop ends them all.
func (c *City) Stop() {
	c.stop()
	c.all.Wait()
}

type wanderer struct {
	config   Config
	id       string
	random   *rand.Rand
	lat, lng float64
	heading  float64 // radians from north
	speed    float64 // m/s
}

func (w *wanderer) live(ctx context.Context) error {
	client, err := w.connect(ctx)
	if err != nil {
		return err
	}
	var listening sync.WaitGroup
	defer listening.Wait()
	defer client.Close()
	listening.Go(func() { // what it is told it need not know, but must take
		for range client.Events(ctx) {
		}
	})
	w.lat = centreLat + w.random.NormFloat64()*spreadMeters/metersPerDegree
	w.lng = centreLng + w.random.NormFloat64()*spreadMeters/metersPerDegree/math.Cos(centreLat*math.Pi/180)
	w.heading, w.speed = w.random.Float64()*2*math.Pi, 2+w.random.Float64()*10
	ask := time.Now().Add(w.between(10, 90))
	for pause(ctx, step) {
		if err := w.move(ctx, client); err != nil {
			return err
		}
		if time.Now().After(ask) {
			w.meet(ctx, client)
			ask = time.Now().Add(w.between(60, 240))
		}
	}
	return nil
}

// connect tries again where the server cannot just now.
func (w *wanderer) connect(ctx context.Context) (*waggle.Client, error) {
	for {
		client, err := waggle.Connect(ctx, waggle.Options{URL: w.config.URL, Token: w.token})
		var refused *waggle.HandshakeError
		if !errors.As(err, &refused) || refused.Status < http.StatusInternalServerError || !pause(ctx, step) {
			return client, err
		}
	}
}

// meet asks for somebody near, and parts again after a while. The others' turn
// to be found may come first: then there is nothing to ask.
func (w *wanderer) meet(ctx context.Context, client *waggle.Client) {
	found, err := client.Match(ctx, waggle.Match{Radius: 2000})
	if err != nil || found.Matched == nil || found.Matched.Role != "matcher" {
		return
	}
	until := time.Now().Add(w.between(15, 45))
	for time.Now().Before(until) && pause(ctx, step) {
		if w.move(ctx, client) != nil {
			return
		}
	}
	_, _ = client.End(ctx, found.Matched.Match, waggle.Completed)
}

// move takes a step, and reports it if it is wanted. What happens while the
// client is connecting again is not told to anyone.
func (w *wanderer) move(ctx context.Context, client *waggle.Client) error {
	w.heading += w.random.NormFloat64() * 0.3
	meters := w.speed * step.Seconds()
	w.lat += meters * math.Cos(w.heading) / metersPerDegree
	w.lng += meters * math.Sin(w.heading) / metersPerDegree / math.Cos(w.lat*math.Pi/180)
	if math.Hypot(w.lat-centreLat, w.lng-centreLng)*metersPerDegree > 2*spreadMeters {
		w.heading = math.Atan2(centreLng-w.lng, centreLat-w.lat)
	}
	_, err := client.ReportWhenDue(ctx, waggle.Location{Lat: w.lat, Lng: w.lng})
	if errors.Is(err, waggle.ErrOffline) {
		return nil
	}
	return err
}

func (w *wanderer) between(from, to float64) time.Duration {
	return time.Duration((from + w.random.Float64()*(to-from)) * float64(time.Second))
}

func (w *wanderer) token(context.Context) (string, error) {
	claims := map[string]any{"sub": w.id}
	if w.config.Pool != "" {
		claims["pool"] = w.config.Pool
	}
	return w.config.Sign(claims)
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
