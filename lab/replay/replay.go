// Package replay plays a window of a trace against Waggle: every cab is a
// member, available unless matched; every pickup is a passenger, a new member,
// that asks some time ahead, at that place, for the nearest cab, watches it, and
// ends the match when the fare of the cab that picked it up ends.
//
// Run plays; its result says what came of it. What it counts it counts from the
// frames on the wire, so that a record of them gives the same figures.
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
	"waggle/lab/record"
	"waggle/lab/stats"
	"waggle/lab/trace"
)

const (
	// connecting is how many connections are made at once: a server on the
	// same machine has to answer handshakes with what we leave it.
	connecting = 50
	// patience is how long an answer may take beyond what was agreed.
	patience = 15 * time.Second
	// progressEvery is how often, at most, Progress is called.
	progressEvery = 200 * time.Millisecond
	// healing is how long after the last end whoever is stuck may take to come free.
	healing = 20 * time.Second
)

// A Config says what to play, how fast, and as whom.
type Config struct {
	Window trace.Window // cut Ahead
	// Speed is how many seconds of the trace pass in one. Durations below
	// are of the trace.
	Speed float64
	Ahead time.Duration // how long before its pickup a passenger asks: whole seconds
	Wait  time.Duration // how long a request waits for a cab
	// Pool is where it is played, TTL and Grace are how it must be set.
	Pool       string
	TTL, Grace time.Duration
	AnyPool    bool    // play in a pool that is set otherwise, too
	Radius     float64 // metres; 0: the server's default
	// Name tells this run's passengers from another's.
	Name string
	// Options connect a member.
	Options func(member string) waggle.Options
	// Record takes in all that happens; nil: nobody does.
	Record *record.Writer
	// Healing is the time of the wall clock from the last end to the probes;
	// zero: 20 s. With less the judge calls nobody stuck.
	Healing time.Duration
	// Progress hears how far it is; nil: nobody does. It must be quick,
	// and is not called twice at once.
	Progress func(Progress)
}

// Header is what the record of this play begins with.
func (c Config) Header() record.Header {
	return record.Header{
		From: c.Window.From, To: c.Window.To, Speed: c.Speed, Pool: c.Pool, Radius: c.Radius,
		LocationTTL: c.fast(c.TTL).Seconds(), Grace: c.fast(c.Grace).Seconds(), Wait: c.fast(c.Wait).Seconds(), Ahead: c.ahead(),
		Passengers: "passenger-" + c.Name + "-", Probes: "probe-" + c.Name + "-",
	}
}

func (c Config) ahead() int64 { return int64(c.Ahead / time.Second) }

func (c Config) fast(d time.Duration) time.Duration { return time.Duration(float64(d) / c.Speed) }

// Progress is how far a replay is.
type Progress struct {
	Connected, Cabs  int
	Elapsed, Total   time.Duration // of the trace
	Matched, NoMatch int
	Errors           int
	// Probing is whether the window is over; then Probed cabs were tried, and
	// until the first there is a wait for whoever has to come free.
	Probing bool
	Probed  int
}

// Run plays the window, and then probes every cab. An error says why it could not
// begin; what happens afterwards is in the result. When ctx ends it stops
// playing, ends every match, and returns the result so far.
func Run(ctx context.Context, c Config) (stats.Result, error) {
	if c.Healing == 0 {
		c.Healing = healing
	}
	r := &runner{Config: c, clock: record.NewClock(), header: c.Header(), cabs: map[string]*cab{}, tally: newTally(c)}
	defer r.close()
	if err := r.connect(ctx); err != nil {
		return stats.Result{}, err
	}
	if err := r.checkPool(); err != nil {
		return stats.Result{}, err
	}
	r.start = time.Now()
	r.started = r.note(r.start, record.Started, "", "")
	r.play(ctx)
	over := record.Played
	if ctx.Err() != nil {
		over = record.Interrupted
	}
	r.tally.played(r.note(time.Now(), over, "", "")-r.started, over == record.Interrupted)
	r.passengers.Wait()
	r.awaitAcknowledgements()
	r.tell() // the last word is not left to chance
	r.probe(ctx)
	return r.tally.result(), nil
}

type runner struct {
	Config
	clock      record.Clock
	header     record.Header
	start      time.Time // of the window, on the wall clock
	started    int64     // the same in the record
	tally      *tally
	mu         sync.Mutex // guards cabs while they connect, and what follows
	cabs       map[string]*cab
	advice     time.Duration // what the pool wants of a free cab, if it was told
	ended      time.Time     // the last match
	listening  sync.WaitGroup
	passengers sync.WaitGroup
	told       time.Time // when Progress was called last
}

// connect brings every cab online before the clock starts.
func (r *runner) connect(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(connecting)
	for _, name := range r.Window.Cabs {
		group.Go(func() error {
			c := &cab{r: r, seen: make(chan struct{}, 1)}
			client, err := r.dial(ctx, name, c)
			if err != nil {
				return fmt.Errorf("connect cab %s: %w", name, err)
			}
			c.Client = client
			r.listening.Go(func() { r.listen(name, client) })
			r.mu.Lock()
			defer r.mu.Unlock()
			r.cabs[name] = c
			if r.Progress != nil {
				r.Progress(Progress{Connected: len(r.cabs), Cabs: len(r.Window.Cabs)})
			}
			return nil
		})
	}
	return group.Wait()
}

func (r *runner) dial(ctx context.Context, member string, ears listener) (*waggle.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	return waggle.Connect(ctx, r.observed(member, ears))
}

// listen takes what a cab is told, which was counted on the wire, until its
// session ends.
func (r *runner) listen(name string, c *waggle.Client) {
	for {
		if _, err := c.Next(context.Background()); err != nil { // until the client is closed
			r.failed(name, err)
			return
		}
	}
}

// play follows the trace by the clock.
func (r *runner) play(ctx context.Context) {
	fares := r.Window.Fares
	for i := 0; i <= len(r.Window.Reports); i++ {
		for ; len(fares) > 0 && fares[0].After == i; fares = fares[1:] {
			if !r.sleepUntil(ctx, r.wall(fares[0].Asks)) {
				return
			}
			r.call(ctx, fares[0])
		}
		if i == len(r.Window.Reports) {
			break
		}
		row := r.Window.Reports[i]
		if !r.sleepUntil(ctx, r.wall(row.Unix)) {
			return
		}
		r.report(ctx, row.Cab, waggle.Location{ID: record.ReportID + strconv.Itoa(i), Lat: row.Lat, Lng: row.Lng})
	}
	r.sleepUntil(ctx, r.wall(r.Window.To))
}

// call has a passenger begin.
func (r *runner) call(ctx context.Context, fare trace.Fare) {
	member := r.header.Passengers + strconv.Itoa(r.tally.request())
	at := r.note(time.Now(), record.Called, member, "")
	r.tally.called(at - r.header.Wall(r.started, fare.Asks))
	r.passengers.Go(func() { r.ride(ctx, member, fare) })
}

// sleepUntil waits for a time, telling the progress meanwhile.
func (r *runner) sleepUntil(ctx context.Context, at time.Time) bool {
	for {
		now := time.Now()
		if now.Sub(r.told) >= progressEvery {
			r.told = now
			r.tell()
		}
		left := at.Sub(now)
		if left <= 0 {
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

func (r *runner) report(ctx context.Context, cab string, l waggle.Location) bool {
	err := r.cabs[cab].Report(ctx, l)
	if err != nil && ctx.Err() == nil {
		r.failed(cab, err)
	}
	return err == nil
}

func (r *runner) awaitAcknowledgements() {
	for tries := 0; tries < 20 && !r.tally.allAcknowledged(); tries++ {
		time.Sleep(100 * time.Millisecond)
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

// note puts into the record what is no frame, and returns its time there.
func (r *runner) note(at time.Time, k record.Kind, member, code string) int64 {
	micros := r.clock.Micros(at)
	r.Record.Note(micros, k, member, code)
	return micros
}

// failed counts what went wrong for a member, unless it was on the wire, where it
// was counted, or is that the member closed.
func (r *runner) failed(member string, err error) {
	var refused *waggle.Error
	var handshake *waggle.HandshakeError
	code := "connection"
	switch {
	case errors.As(err, &handshake):
		code = "handshake_" + strconv.Itoa(handshake.Status)
	case errors.As(err, &refused), errors.Is(err, waggle.ErrReplaced), errors.Is(err, waggle.ErrClosed):
		return
	case errors.Is(err, waggle.ErrOffline):
		code = "offline"
	case errors.Is(err, context.DeadlineExceeded):
		code = "timeout"
	case errors.Is(err, errForgotten):
		code = "forgotten"
	}
	r.tally.error(code)
	r.note(time.Now(), record.Failed, member, code)
}

// errForgotten is of a match or request that the server does not know of any more
// and did not say the end of.
var errForgotten = errors.New("forgotten")

// tell tells how far the play is.
func (r *runner) tell() {
	if r.Progress == nil {
		return
	}
	total := time.Duration(r.Window.To-r.Window.From) * time.Second
	p := r.tally.progress()
	p.Connected, p.Cabs = len(r.cabs), len(r.cabs)
	p.Elapsed, p.Total = min(time.Duration(float64(time.Since(r.start))*r.Speed), total), total
	r.Progress(p)
}
