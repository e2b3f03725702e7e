// Package replay plays a window of a trace against Waggle: every cab is a
// member, available unless matched; every pickup is a passenger, a new member,
// that asks at that place for the nearest cab, watches it, and ends the match
// when the fare of the cab that was picked up ends.
//
// Run plays; its Result says what came of it, and Result.Err whether that is
// what must be: no error, nobody left in a match, an outcome for every request.
package replay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"waggle/clients/go/waggle"
	"waggle/cmd/waggle/internal/trace"
)

const (
	// connecting is how many connections are made at once: a server on the
	// same machine has to answer handshakes with what we leave it.
	connecting = 50
	// patience is how long an answer may take beyond what was agreed.
	patience = 15 * time.Second
	// progressEvery is how often, at most, Progress is called.
	progressEvery = 200 * time.Millisecond
)

// A Config says what to play, how fast, and as whom.
type Config struct {
	Window trace.Window
	// Speed is how many seconds of the trace pass in one. Durations below
	// are of the trace.
	Speed  float64
	Wait   time.Duration // how long a request waits for a cab
	Grace  time.Duration // the pool's
	Radius float64       // metres; 0: the server's default
	// Name tells this run's passengers from another's.
	Name string
	// Options connect a member.
	Options func(member string) waggle.Options
	// Advised hears, before the play, after how long at most the server wants a
	// cab's next report, where it says so; nil: nobody does.
	Advised func(after time.Duration)
	// Progress hears how far it is; nil: nobody does. It must be quick,
	// and is not called twice at once.
	Progress func(Progress)
}

// Progress is how far a replay is.
type Progress struct {
	Connected, Cabs  int
	Elapsed, Total   time.Duration // of the trace
	Matched, NoMatch int
	Errors           int
}

// Run plays the window. An error says why it could not begin; what happens
// afterwards is in the result. When ctx ends it stops playing, ends every
// match, and returns the result so far.
func Run(ctx context.Context, c Config) (Result, error) {
	r := &runner{Config: c, cabs: map[string]*waggle.Client{}, tally: newTally(c)}
	defer r.close()
	if err := r.connect(ctx); err != nil {
		return Result{}, err
	}
	r.advised()
	r.start = time.Now()
	r.play(ctx)
	r.tally.played(time.Since(r.start), ctx.Err() != nil)
	r.passengers.Wait()
	if r.Progress != nil {
		r.Progress(r.progress(time.Now())) // the last word is not left to chance
	}
	r.verify(context.WithoutCancel(ctx))
	return r.tally.result(), nil
}

type runner struct {
	Config
	start      time.Time // of the window, on the wall clock
	tally      *tally
	mu         sync.Mutex // guards cabs while they connect
	cabs       map[string]*waggle.Client
	listening  sync.WaitGroup
	passengers sync.WaitGroup
	told       time.Time // when Progress was called last
}

// connect brings every cab online before the clock starts.
func (r *runner) connect(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(connecting)
	for _, cab := range r.Window.Cabs {
		group.Go(func() error {
			client, err := r.dial(ctx, cab)
			if err != nil {
				return fmt.Errorf("connect cab %s: %w", cab, err)
			}
			r.listening.Go(func() { r.listen(client) })
			r.mu.Lock()
			defer r.mu.Unlock()
			r.cabs[cab] = client
			if r.Progress != nil {
				r.Progress(Progress{Connected: len(r.cabs), Cabs: len(r.Window.Cabs)})
			}
			return nil
		})
	}
	return group.Wait()
}

// advised asks one cab: all are in the same pool.
func (r *runner) advised() {
	for _, cab := range r.cabs {
		if seconds := cab.Advice().AfterSeconds; seconds > 0 && r.Advised != nil {
			r.Advised(time.Duration(seconds * float64(time.Second)))
		}
		return
	}
}

func (r *runner) dial(ctx context.Context, member string) (*waggle.Client, error) {
	o := r.Options(member)
	o.Grace = r.fast(r.Grace)
	o.OnDrop = func(error, time.Duration) { r.tally.lostConnection() }
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	return waggle.Connect(ctx, o)
}

// listen counts what a cab is told.
func (r *runner) listen(c *waggle.Client) {
	for {
		f, err := c.Next(context.Background()) // until the client is closed
		if err != nil {
			r.tally.ended(err)
			return
		}
		r.tally.heard(f)
	}
}

// play follows the trace by the clock.
func (r *runner) play(ctx context.Context) {
	fares := r.Window.Fares
	for i, row := range r.Window.Reports {
		if !r.sleepUntil(ctx, row.Unix) {
			return
		}
		r.report(ctx, i, row)
		if len(fares) > 0 && fares[0].Pickup == i {
			fare, member := fares[0], fmt.Sprintf("passenger-%s-%d", r.Name, r.tally.request())
			fares = fares[1:]
			r.passengers.Go(func() { r.ride(ctx, member, fare) })
		}
	}
	r.sleepUntil(ctx, r.Window.To)
}

// sleepUntil waits for a time of the trace, telling the progress meanwhile.
func (r *runner) sleepUntil(ctx context.Context, unix int64) bool {
	at := r.wall(unix)
	for {
		now := time.Now()
		if r.Progress != nil && now.Sub(r.told) >= progressEvery {
			r.told = now
			r.Progress(r.progress(now))
		}
		left := at.Sub(now)
		if left <= 0 {
			r.tally.behind(-left)
			return ctx.Err() == nil
		}
		if r.Progress != nil {
			left = min(left, progressEvery)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(left):
		}
	}
}

func (r *runner) report(ctx context.Context, i int, row trace.Row) {
	err := r.cabs[row.Cab].Report(ctx, waggle.Location{ID: "report-" + strconv.Itoa(i), Lat: row.Lat, Lng: row.Lng})
	if err != nil && ctx.Err() == nil {
		r.tally.failed(err)
		return
	}
	r.tally.reported()
}

// verify asks every cab, over its own connection, whether it is still in a
// match, and waits for the last acknowledgements.
func (r *runner) verify(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	group := errgroup.Group{}
	group.SetLimit(connecting)
	for _, cab := range r.cabs {
		group.Go(func() error {
			r.check(ctx, cab)
			return nil
		})
	}
	_ = group.Wait() // check counts its errors
	for tries := 0; tries < 20 && !r.tally.allAcknowledged(); tries++ {
		time.Sleep(100 * time.Millisecond)
	}
}

// check looks twice: a release may be under way.
func (r *runner) check(ctx context.Context, cab *waggle.Client) {
	for try := 0; ; try++ {
		ctx, cancel := context.WithTimeout(ctx, patience)
		w, err := cab.Hello(ctx)
		cancel()
		switch {
		case err != nil:
			r.tally.failed(err)
			return
		case w.Match == nil:
			return
		case try == 1:
			r.tally.stuck()
			return
		}
		time.Sleep(2 * time.Second)
	}
}

func (r *runner) close() {
	r.passengers.Wait()
	var closing sync.WaitGroup
	for _, cab := range r.cabs {
		closing.Go(cab.Close)
	}
	closing.Wait()
	r.listening.Wait()
}

// wall is when a second of the trace comes.
func (r *runner) wall(unix int64) time.Time {
	return r.start.Add(r.fast(time.Duration(unix-r.Window.From) * time.Second))
}

func (r *runner) fast(d time.Duration) time.Duration {
	return time.Duration(float64(d) / r.Speed)
}

func (r *runner) progress(now time.Time) Progress {
	total := time.Duration(r.Window.To-r.Window.From) * time.Second
	p := r.tally.progress()
	p.Connected, p.Cabs = len(r.cabs), len(r.cabs)
	p.Elapsed, p.Total = min(time.Duration(float64(now.Sub(r.start))*r.Speed), total), total
	return p
}

// code is what an error is counted as.
func code(err error) string {
	var refused *waggle.Error
	var handshake *waggle.HandshakeError
	switch {
	case errors.As(err, &refused):
		return string(refused.Code)
	case errors.As(err, &handshake):
		return "handshake_" + strconv.Itoa(handshake.Status)
	case errors.Is(err, waggle.ErrReplaced):
		return "replaced"
	case errors.Is(err, waggle.ErrOffline):
		return "offline"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "connection"
}
