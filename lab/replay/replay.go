// Package replay plays a window of a trace against Waggle. Each cab is a member, which is
// available unless it is matched. Each pickup is a passenger, a new member: some time
// ahead it asks at that place for the nearest cab, follows it, and ends the match when
// the fare of the trace ends.
//
// Run plays and returns the result. It counts the frames on the wire, so that a record of
// them gives the same numbers.
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
	// connecting is how many connections are made at the same time. A server on the same
	// machine needs some of the processor for its handshakes.
	connecting = 50
	// patience is how long an outcome may take beyond the time that a request waits.
	patience = 30 * time.Second
	// progressEvery is how often, at most, Progress is called.
	progressEvery = 200 * time.Millisecond
	// repairTime is how long after the last end a member in half a match may take to
	// become free.
	repairTime = 20 * time.Second
)

// A Config says what to play, how fast, and as which members.
type Config struct {
	Window trace.Window // cut with the same Ahead
	// Speed is how many seconds of the trace pass in a second. The durations below are of
	// the trace.
	Speed float64
	Ahead time.Duration // how long before its pickup a passenger asks, in whole seconds
	Wait  time.Duration // how long a request waits for a cab
	// Confirm is how long a cab has to accept; 0: it is not asked. Drivers answers for it.
	Confirm time.Duration
	Drivers Drivers
	// Pool is the pool of all members. TTL and Grace are its settings.
	Pool       string
	TTL, Grace time.Duration
	AnyPool    bool    // play in a pool with other settings, too
	Radius     float64 // metres; 0: the server's default
	// Name distinguishes this replay's passengers from those of other replays.
	Name string
	// Options returns how a member connects.
	Options func(member string) waggle.Options
	// Record records the replay. It may be nil.
	Record *record.Writer
	// RepairTime is the time from the last end to the probes, by the wall clock; 0: 20 s.
	// With less the judge finds no cab stuck.
	RepairTime time.Duration
	// Progress is called with the progress, by one goroutine at a time. It must be quick,
	// and may be nil.
	Progress func(Progress)
}

// Header returns the header of the record.
func (c Config) Header() record.Header {
	return record.Header{
		From: c.Window.From, To: c.Window.To, Speed: c.Speed, Pool: c.Pool, Radius: c.Radius,
		LocationTTL: c.fast(c.TTL).Seconds(), Grace: c.fast(c.Grace).Seconds(), Wait: c.fast(c.Wait).Seconds(), Ahead: c.ahead(),
		Passengers: "passenger-" + c.Name + "-", Probes: "probe-" + c.Name + "-",
	}
}

func (c Config) ahead() int64 { return int64(c.Ahead / time.Second) }

func (c Config) fast(d time.Duration) time.Duration { return time.Duration(float64(d) / c.Speed) }

// Progress is the progress of a replay.
type Progress struct {
	Connected, Cabs  int
	Elapsed, Total   time.Duration // of the trace
	Matched, NoMatch int
	Errors           int
	// Probing tells whether the window has ended. Probed is the number of cabs probed so
	// far. Before the first one there is a pause, in which the server may repair matches.
	Probing bool
	Probed  int
}

// Run plays the window, and then probes each cab. It returns an error only if it could not
// begin. Later errors are in the result. When ctx ends it stops, ends each match, and
// returns the result so far.
func Run(ctx context.Context, c Config) (stats.Result, error) {
	if c.RepairTime == 0 {
		c.RepairTime = repairTime
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
	r.showProgress()
	r.probe(ctx)
	return r.tally.result(), nil
}

type runner struct {
	Config
	clock      record.Clock
	header     record.Header
	start      time.Time // of the window, on the wall clock
	started    int64     // the same in the record
	offers     offers
	tally      *tally
	mu         sync.Mutex // guards cabs while they connect, and the fields below
	cabs       map[string]*cab
	advice     time.Duration // how often a free cab is to report; 0: not known
	ended      time.Time     // when the last match ended
	listening  sync.WaitGroup
	passengers sync.WaitGroup
	shown      time.Time // when Progress was called last
}

// connect connects each cab before the window begins.
func (r *runner) connect(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(connecting)
	for _, name := range r.Window.Cabs {
		group.Go(func() error {
			c := &cab{r: r, name: name, seen: make(chan struct{}, 1)}
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

func (r *runner) dial(ctx context.Context, member string, l listener) (*waggle.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	return waggle.Connect(ctx, r.observed(member, l))
}

// listen takes the events of a cab, which are counted on the wire, until its client is
// closed.
func (r *runner) listen(name string, c *waggle.Client) {
	for {
		if _, err := c.Next(context.Background()); err != nil { // ends when the client is closed
			r.failed(name, err)
			return
		}
	}
}

// play plays the rows and fares at their times.
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

// call starts a passenger.
func (r *runner) call(ctx context.Context, fare trace.Fare) {
	member := r.header.Passengers + strconv.Itoa(r.tally.request())
	at := r.note(time.Now(), record.Called, member, "")
	r.tally.called(at - r.header.Wall(r.started, fare.Asks))
	r.passengers.Go(func() { r.ride(ctx, member, fare) })
}

// sleepUntil waits for a time, and shows the progress. It returns false if ctx ends.
func (r *runner) sleepUntil(ctx context.Context, at time.Time) bool {
	for {
		now := time.Now()
		if now.Sub(r.shown) >= progressEvery {
			r.shown = now
			r.showProgress()
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
	r.offers.answering.Wait()
}

// wall returns when a second of the trace is due.
func (r *runner) wall(unix int64) time.Time {
	return r.start.Add(r.fast(time.Duration(unix-r.Window.From) * time.Second))
}

// note records an event that is not a frame, and returns its time in the record.
func (r *runner) note(at time.Time, k record.Kind, member, code string) int64 {
	micros := r.clock.Micros(at)
	r.Record.Note(micros, k, member, code)
	return micros
}

// failed counts an error of a member, unless it is counted on the wire, or only says that
// the member closed its connection.
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

// errForgotten is the error for a match or request that is over, although no frame said so.
var errForgotten = errors.New("forgotten")

// showProgress calls Progress.
func (r *runner) showProgress() {
	if r.Progress == nil {
		return
	}
	total := time.Duration(r.Window.To-r.Window.From) * time.Second
	p := r.tally.progress()
	p.Connected, p.Cabs = len(r.cabs), len(r.cabs)
	p.Elapsed, p.Total = min(time.Duration(float64(time.Since(r.start))*r.Speed), total), total
	r.Progress(p)
}
