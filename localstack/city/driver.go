package city

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"waggle/clients/go/waggle"
	"waggle/localstack/town"
)

// A driver is a member of the town at the wheel of a client.
type driver struct {
	config Config
	member *town.Member
	id     string
}

func newDriver(c Config, m *town.Member, number int) *driver {
	return &driver{config: c, member: m, id: fmt.Sprintf("driver-%d", number)}
}

// How drivers meet. All are drivers here, with nobody to carry: so a fare is another
// member that is asked for, and let go soon, so that most are free to be found.
const (
	radius  = 2000 // metres
	meeting = 45 * time.Second
)

// live goes from shift to shift.
func (d *driver) live(ctx context.Context) {
	for ctx.Err() == nil {
		if err := d.shift(ctx); err != nil && ctx.Err() == nil {
			d.config.Log.Warn("a simulated member left", "member", d.id, "err", err)
			return
		}
		for !d.member.Online() && pause(ctx, step) {
			d.member.Step()
		}
	}
}

// shift is online for as long as the member is.
func (d *driver) shift(ctx context.Context) error {
	client, err := d.connect(ctx)
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
	for {
		hired := d.member.Occupied()
		if online, err := d.drive(ctx, client); err != nil || !online {
			return err
		}
		if d.member.Occupied() && !hired {
			if online, err := d.meet(ctx, client); err != nil || !online {
				return err
			}
		}
	}
}

// connect tries again where the server cannot just now.
func (d *driver) connect(ctx context.Context) (*waggle.Client, error) {
	for {
		client, err := waggle.Connect(ctx, waggle.Options{URL: d.config.URL, Token: d.token, HTTPClient: d.config.Client})
		var refused *waggle.HandshakeError
		if !errors.As(err, &refused) || refused.Status < http.StatusInternalServerError || !pause(ctx, step) {
			return client, err
		}
	}
}

// meet asks for somebody near, and parts again after a while. The others' turn
// to be found may come first: then there is nothing to ask.
func (d *driver) meet(ctx context.Context, client *waggle.Client) (online bool, err error) {
	found, err := client.Match(ctx, waggle.Match{Radius: radius})
	if err != nil || found.Matched == nil || found.Matched.Role != "matcher" {
		return true, nil // the fare goes on without
	}
	online = true
	for until := time.Now().Add(meeting); online && err == nil && d.member.Occupied() && time.Now().Before(until); {
		online, err = d.drive(ctx, client)
	}
	if err != nil {
		return online, err
	}
	_, _ = client.End(ctx, found.Matched.Match, waggle.Completed) // if that fails, the other may end it
	return online, nil
}

// drive lets a second pass, and reports where that led if it is wanted. What
// happens while the client is connecting again is not told to anyone.
func (d *driver) drive(ctx context.Context, client *waggle.Client) (online bool, err error) {
	if !pause(ctx, step) {
		return false, ctx.Err()
	}
	m := d.member
	m.Step()
	if !m.Online() {
		return false, nil
	}
	lat, lng := m.Place()
	report := waggle.Location{Lat: lat, Lng: lng}
	report.Heading, report.Speed = new(m.Heading()), new(m.Speed())
	_, err = client.ReportWhenDue(ctx, report)
	if errors.Is(err, waggle.ErrOffline) {
		err = nil
	}
	return true, err
}

func (d *driver) token(context.Context) (string, error) {
	claims := map[string]any{"sub": d.id}
	if d.config.Pool != "" {
		claims["pool"] = d.config.Pool
	}
	return d.config.Sign(claims)
}
