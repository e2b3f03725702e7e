package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/protocol"
	"waggle/internal/store"
)

// The pools. In the strict pool every member is refused after its first report and request.
const (
	mainPool, strictPool = "main", "strict"
	ttl                  = 2 * time.Hour // members stay fresh while the benchmark runs
)

// A waggle is Waggle on a cache: its service with a pusher that does nothing.
type waggle struct {
	*match.Service
	store *store.Store
	url   string
	ids   atomic.Int64
	ahead time.Duration
	start time.Time // of all sessions
}

// quiet is a pusher whose pushes always succeed.
type quiet struct{}

func (quiet) Push(context.Context, string, protocol.Frame) error { return nil }
func (quiet) Close(context.Context, string) error                { return nil }

// newWaggle opens a Waggle whose clock is so far from now. It counts its trips in the meter.
func newWaggle(url string, m *meter, ahead time.Duration, start time.Time) (*waggle, error) {
	pools, err := pool.Parse([]byte(fmt.Sprintf(`{"pools": {"default": {"locationTTL": %g, "grace": %g, "reportsPerSecond": 1000000,
		"reportsBurst": 1000000, "messagesPerSecond": 1000000, "messagesBurst": 1000000, "maxSpeed": 0}, "strict": {"reportsPerSecond": 0.01,
		"reportsBurst": 1, "requestsPerMinute": 0.01}}}`, ttl.Seconds(), ttl.Seconds())))
	if err != nil {
		return nil, err
	}
	w := &waggle{url: url, ahead: ahead, start: start}
	w.store, err = store.Open(store.Options{URL: url, Pools: pools,
		Offset: func() time.Duration { return ahead },
		Hook: func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			m.trips.Add(1)
			m.commands.Add(int64(len(commands)))
			send(ctx)
		}})
	if err != nil {
		return nil, err
	}
	w.Service = &match.Service{Store: w.store, Push: quiet{}, Pools: pools, NewID: w.newID, Now: w.now, Sleep: match.Sleep,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	return w, nil
}

func (w *waggle) now() time.Time { return time.Now().Add(w.ahead) }

// newID returns 22 characters, as many as in production.
func (w *waggle) newID() string { return fmt.Sprintf("%022d", w.ids.Add(1)) }

// session is a member's session. Its connection id is as long as one of API Gateway.
func (w *waggle) session(pool, id string) match.Session {
	return match.Session{Member: match.Member{Pool: pool, ID: id}, Connection: "c" + id[:14] + "=", ConnectedAt: w.start,
		Expires: w.start.Add(2 * ttl), Matcher: true, Matchee: true}
}

// deliver does what remains of a message, and drops the replies.
func deliver(ctx context.Context, r match.Result, err error) error {
	if delivered := r.Deliver(ctx, func(context.Context, protocol.Frame) bool { return true }); err == nil {
		err = delivered
	}
	return err
}

// connect begins a member's session.
func (w *waggle) connect(ctx context.Context, x match.Session) error {
	r, err := w.Connect(ctx, x)
	return deliver(ctx, r, err)
}

// report reports a location.
func (w *waggle) report(ctx context.Context, x match.Session, at geo.Point, tags []string) error {
	q := &protocol.Location{Lat: at.Lat, Lng: at.Lng}
	if tags != nil {
		q.Tags = &tags
	}
	r, err := w.Report(ctx, x, q, w.now())
	return deliver(ctx, r, err)
}

// A crowd joins through two Waggles: one member in five was heard last a while ago, before the
// cache began its present generation of entries.
type waggles struct{ now, earlier *waggle }

// open opens both.
func open(url string, m *meter) (w waggles, err error) {
	const span = 5 * time.Minute
	start := time.Now().Add(-time.Minute)
	next := ttl - time.Duration(start.UnixMilli())*time.Millisecond%ttl
	if w.now, err = newWaggle(url, m, next+span, start); err == nil {
		w.earlier, err = newWaggle(url, m, next-span, start)
	}
	return w, err
}

func (w waggles) close() {
	w.now.store.Close()
	w.earlier.store.Close()
}

// join lets members of the town join.
func (w waggles) join(ctx context.Context, people []person, done func()) error {
	part := len(people) / 5
	return first(func() error { return w.earlier.join(ctx, mainPool, people[:part], done) },
		func() error { return w.now.join(ctx, mainPool, people[part:], done) })
}

// join connects members and lets them report for the first time, many at a time.
func (w *waggle) join(ctx context.Context, pool string, people []person, done func()) error {
	return each(len(people), func(i int) error {
		p := people[i]
		x := w.session(pool, p.id)
		if err := w.connect(ctx, x); err != nil {
			return err
		}
		if done != nil {
			done()
		}
		return w.report(ctx, x, p.at, p.tags)
	})
}

// request sends a match message and leaves the rest of the work to the caller.
func (w *waggle) request(ctx context.Context, x match.Session, at geo.Point, radius float64, tags []string, wait time.Duration) (match.Result, error) {
	return w.Match(ctx, x, &protocol.Match{ID: w.newID(), Radius: radius, Point: &protocol.Point{Lat: at.Lat, Lng: at.Lng}, Tags: tags,
		Wait: wait.Seconds()})
}

// matchedIn returns the match that a request led to.
func matchedIn(r match.Result) (string, error) {
	for _, f := range r.Replies {
		if m, ok := f.(*protocol.Matched); ok {
			return m.Match, nil
		}
	}
	return "", fmt.Errorf("the request was answered with %+v, not with a match", r.Replies)
}

// end ends a match.
func (w *waggle) end(ctx context.Context, x match.Session, id string) error {
	r, err := w.End(ctx, x, &protocol.End{Match: id})
	return deliver(ctx, r, err)
}

// nearest returns the nearest candidates, as a request finds them: the home cell first, and
// then every cell that may have somebody nearer. It fails after a hundred trips.
func (w *waggle) nearest(ctx context.Context, pool string, at geo.Point, radius float64, tags []string, want int) ([]match.Candidate, error) {
	q := match.Query{Self: match.Member{Pool: pool, ID: "nobody"}, Point: at, Radius: radius, Tags: tags, Want: want}
	var found []match.Candidate
	asked := make(map[geo.Cell]match.Hits)
	cells := []geo.Cell{geo.ShardCell(at)}
	for range 100 {
		parts := make([]match.Part, len(cells))
		for i, c := range cells {
			parts[i] = match.Part{Cell: c, Rest: asked[c].Rest}
		}
		hits, err := w.store.Search(ctx, parts, q)
		if err != nil {
			return nil, err
		}
		for i, c := range cells {
			asked[c] = hits[i]
			found = append(found, hits[i].Candidates...)
		}
		found = slices.DeleteFunc(found, func(c match.Candidate) bool { return c.Distance > radius })
		slices.SortFunc(found, func(a, b match.Candidate) int {
			return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.ID, b.ID))
		})
		found = slices.CompactFunc(found, func(a, b match.Candidate) bool { return a.Member == b.Member })
		reach := radius
		if len(found) >= want {
			reach = found[want-1].Distance
		}
		cells = nil
		for _, c := range geo.ShardsWithin(at, reach) {
			if _, ok := asked[c]; !ok {
				cells = append(cells, c)
			}
		}
		if len(cells) == 0 {
			for c, h := range asked {
				if h.Horizon < reach {
					cells = append(cells, c)
				}
			}
			if len(cells) == 0 {
				return found[:min(want, len(found))], nil
			}
			q.Want = min(4*q.Want, 16*want)
		}
	}
	return nil, fmt.Errorf("the search for %d around %v has not ended after a hundred trips", want, at)
}

// claim claims a member without a match, as a process does that vanishes right after.
func (w *waggle) claim(ctx context.Context, matcher, pool, matchee string) error {
	m := match.Member{Pool: pool, ID: matchee}
	r, err := w.store.Read(ctx, m, nil, false)
	if err != nil || r.Position == nil {
		return errors.Join(err, fmt.Errorf("claim %s: it has no position", matchee))
	}
	_, err = w.store.Claim(ctx, match.Member{Pool: pool, ID: matcher}, w.newID(), nil, match.Candidate{Member: m, Position: *r.Position}, false)
	return err
}

// letWait lets a member's request wait for ten minutes.
func (b *bench) letWait(x match.Session, at geo.Point, radius float64, tags []string) error {
	r, err := b.w.request(b.ctx, x, at, radius, tags, 10*time.Minute)
	return deliver(b.ctx, r, err)
}

// cancel cancels a member's waiting request.
func (b *bench) cancel(x match.Session) error {
	r, err := b.w.Cancel(b.ctx, x, &protocol.Cancel{})
	return deliver(b.ctx, r, err)
}

// kind returns the kind of a key of the store.
func kind(key string) string {
	name, _, _ := strings.Cut(key, "{")
	_, name, _ = strings.Cut(name, ":")   // the version
	return strings.TrimRight(name, ":01") // of both generations
}

// each calls do for 0 to n-1, many at a time, and returns the first error.
func each(n int, do func(i int) error) error {
	var (
		group  sync.WaitGroup
		next   atomic.Int64
		failed atomic.Pointer[error]
	)
	for range 64 {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// name returns an id of 36 characters.
func name(of string, n int) string {
	return of + "-" + strings.Repeat("0", 35-len(of)-len(strconv.Itoa(n))) + strconv.Itoa(n)
}
