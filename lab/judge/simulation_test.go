package judge_test

import (
	"cmp"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"waggle/lab/record"
	"waggle/lab/trace"
	"waggle/lab/trace/tracetest"
)

// A simulation makes up the record of a replay, with a server that is right except for
// one fault.
type simulation struct {
	random  *rand.Rand
	wait    bool  // requests wait
	losing  bool  // one push in five is lost
	confirm int64 // how long a cab has to accept, in microseconds; 0: it is not asked
	shared  bool  // the passengers report, and cabs are shown that
	share   bool  // the passengers ask for that
	pace    int64 // the longest time that a trip takes, in microseconds
	fault   fault

	window  trace.Window
	header  record.Header
	out     *record.Writer
	now     int64
	agenda  events
	order   int64
	cabs    map[string]*cab
	names   []string // of cabs
	waiting []*ride
	matches int
	lastEnd int64
	planted bool
}

// A fault is what the server does wrong, once.
type fault string

const (
	second     fault = "takes the second nearest"
	stale      fault = "takes one whose report is too old"
	busy       fault = "takes one that is in a match"
	unwilling  fault = "takes one that said available: false"
	misplaced  fault = "shows the cab where it was not"
	miscounted fault = "shows a wrong distance"
	missing    fault = "finds nobody"
	forgetful  fault = "forgets to release"
	late       fault = "pushes 3 s after the end"
	early      fault = "pushes without a match"
	foreign    fault = "pushes the position of another cab"
	tracked    fault = "shows the cab where the passenger went"
	failing    fault = "answers with an error"
	silent     fault = "never answers a request"
	another    fault = "offers another cab while an offer stands"
	placed     fault = "shows a position with an offer"
	again      fault = "asks a cab that has declined again"
	assumed    fault = "matches without accept"
	unsaid     fault = "does not tell a cab what became of its offer"
	dropped    fault = "ends a match by itself"
	evicted    fault = "ends a match as left, and both are there"
	slow       fault = "uses a report long before it acknowledges it"
	unfinished fault = "answers unavailable to reports that it has stored" // to every second one
)

const (
	speed   = 60
	ttl     = 3_000_000
	first   = tracetest.First
	started = 1_790_000_000_000_000
	reach   = 3000
)

// A cab as the server knows it.
type cab struct {
	name      string
	lat, lng  float64
	heard     int64
	order     int // of the report that the server has
	sent      int // reports
	available bool
	said      bool // what the cab said last about being available
	ride      *ride
	stuck     bool
}

// A ride is a request and its match.
type ride struct {
	name, id, match string
	at              trace.Fare
	radius          float64
	cab             *cab
	deadline        int64
	forced          bool // by a fault: it claims the cab in any case
	declined        []*cab
	told            bool // the passenger knows of the match
	probe           int  // the cab's number, or -1
	over            func()
}

// make writes the record of playing the rows.
func (w *simulation) make(rows []trace.Row, minutes int, out io.WriteCloser, zip bool) error {
	ahead := 60 * w.random.Int64N(4)
	w.window = trace.Cut(rows, first, first+int64(60*minutes), ahead)
	if w.pace == 0 {
		w.pace = 2000
	}
	w.header = record.Header{From: w.window.From, To: w.window.To, Speed: speed, Pool: "sf", LocationTTL: ttl / 1e6, Grace: 10, Ahead: ahead,
		Passengers: "passenger-x-", Probes: "probe-x-"}
	w.out = record.NewWriter(out, zip, w.header)
	w.cabs = map[string]*cab{}
	w.names = w.window.Cabs
	w.now = started - 1_000_000
	for _, name := range w.names {
		w.cabs[name] = &cab{name: name, available: true, said: true}
		w.out.Note(w.now, record.Connected, name, "")
		w.frame(record.Received, name, map[string]any{"type": "welcome", "id": "h", "now": w.now / 1000})
	}
	w.now = started
	w.out.Note(w.now, record.Started, "", "")
	w.play(0, 0)
	w.run()
	w.out.Note(w.now, record.Played, "", "")
	w.now = max(w.now, w.lastEnd) + 20_000_000
	for i := range w.names {
		w.probe(i, 0)
	}
	w.run()
	return w.out.Close()
}

// trip returns how long one step takes.
func (w *simulation) trip() int64 { return 500 + w.random.Int64N(w.pace) }

func (w *simulation) frame(k record.Kind, member string, fields map[string]any) {
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	w.out.Frame(w.now, k, member, text)
}

// push lets a frame reach its member, unless it is lost.
func (w *simulation) push(member string, fields map[string]any) {
	if !w.losing || w.random.IntN(5) != 0 {
		w.frame(record.Received, member, fields)
	}
}

// tell does the same with what the member must know: it comes again until it has arrived, or
// until there are no fields, since it no longer matters.
func (w *simulation) tell(member string, fields func() map[string]any, then func()) {
	if w.losing && w.random.IntN(5) == 0 {
		w.after(w.random.Int64N(2_000_000), func() { w.tell(member, fields, then) })
		return
	}
	if f := fields(); f != nil {
		w.frame(record.Received, member, f)
		then()
	}
}

// play plays the rows from the i-th on. fare is the next one to be asked for.
func (w *simulation) play(i, fare int) {
	if fare < len(w.window.Fares) && w.window.Fares[fare].After == i {
		w.after(w.header.Wall(started, w.window.Fares[fare].Asks)-w.now, func() {
			w.called(fare)
			w.play(i, fare+1)
		})
		return
	}
	if i == len(w.window.Reports) {
		return
	}
	r := w.window.Reports[i]
	w.after(w.header.Wall(started, r.Unix)-w.now, func() {
		c := w.cabs[r.Cab]
		fields := map[string]any{"action": "location", "id": record.ReportID + strconv.Itoa(i), "lat": r.Lat, "lng": r.Lng}
		// Now and then a cab is not available, so that another one is the nearest.
		if said := w.random.IntN(4) != 0; said != c.said {
			c.said, fields["available"] = said, said
		}
		w.report(c, fields, r.Lat, r.Lng, nil)
		w.play(i+1, fare)
	})
}

func (w *simulation) report(c *cab, fields map[string]any, lat, lng float64, then func()) {
	w.frame(record.Sent, c.name, fields)
	id, said := fields["id"], c.said
	c.sent++
	order := c.sent // in order of sending, though a later one may arrive first
	w.after(w.trip(), func() {
		if order > c.order {
			c.lat, c.lng, c.heard, c.available, c.order = lat, lng, w.now, said, order
		}
		back := w.trip()
		if w.plant(slow, c.ride == nil && said) {
			back = 900_000
		}
		w.after(back, func() {
			if w.plant(failing, true) {
				w.frame(record.Received, c.name, map[string]any{"type": "error", "id": "ping-1", "code": "internal"})
			}
			if w.fault == unfinished && then == nil && w.random.IntN(2) == 0 {
				w.planted = true
				w.frame(record.Received, c.name, map[string]any{"type": "error", "id": id, "code": "unavailable"})
			} else if ack := map[string]any{"type": "ack", "id": id}; then != nil {
				w.tell(c.name, func() map[string]any { return ack }, then)
			} else {
				w.push(c.name, ack)
			}
		})
		if r := c.ride; r != nil && r.probe < 0 && r.match != "" {
			if w.plant(dropped, w.header.Wall(started, r.at.End) > w.now+500_000) {
				w.release(r, "lost")
				return
			}
			if w.plant(evicted, w.header.Wall(started, r.at.End) > w.now+500_000) {
				w.release(r, "left")
				return
			}
			w.after(w.trip(), func() {
				if r.cab == c && r.told {
					w.show(r, c)
				}
			})
		}
		w.after(1, w.serve)
	})
}

// show shows a passenger where its cab is.
func (w *simulation) show(r *ride, c *cab) {
	match, lat, lng := r.match, c.lat, c.lng
	if other := w.another(c); w.plant(foreign, other != nil) {
		lat, lng = other.lat, other.lng
	}
	if w.plant(early, true) {
		match = "m-unknown"
	}
	w.after(w.trip(), func() {
		w.push(r.name, map[string]any{"type": "location", "match": match, "lat": lat, "lng": lng, "at": 1, "seq": 1})
	})
}

func (w *simulation) another(than *cab) *cab {
	for _, name := range w.names {
		if c := w.cabs[name]; c != than && c.heard != 0 && c.lat != than.lat {
			return c
		}
	}
	return nil
}

// called begins a passenger's ride.
func (w *simulation) called(fare int) {
	r := &ride{name: w.header.Passengers + strconv.Itoa(fare+1), id: "r", at: w.window.Fares[fare], radius: reach, probe: -1}
	w.out.Note(w.now, record.Called, r.name, "")
	w.after(3000, func() {
		w.out.Note(w.now, record.Connected, r.name, "")
		w.after(6000, func() { w.ask(r) })
	})
}

func (w *simulation) ask(r *ride) {
	fields := map[string]any{"action": "match", "id": r.id, "radius": r.radius, "lat": r.at.Lat, "lng": r.at.Lng}
	if w.wait && r.probe < 0 {
		fields["wait"] = 5
	}
	if r.asks(w) {
		fields["confirm"] = float64(w.confirm) / 1e6
	}
	if w.share {
		fields["share"] = true
	}
	w.frame(record.Sent, r.name, fields)
	w.after(w.trip(), func() {
		switch {
		case r.probe < 0 && w.plant(silent, true):
			w.after(20_000_000, func() {
				w.out.Note(w.now, record.Failed, r.name, "timeout")
				w.close(r)
			})
		case w.wait && r.probe < 0:
			r.deadline = w.now + 5_000_000
			w.search(r, func() {
				w.after(w.trip(), func() { w.push(r.name, map[string]any{"type": "waiting", "id": r.id}) })
				w.await(r)
			})
		default:
			w.search(r, func() { w.none(r) })
		}
	})
}

// await lets a request wait for a cab, which may be there already.
func (w *simulation) await(r *ride) {
	if w.now >= r.deadline {
		w.after(w.random.Int64N(3_000_000), func() { w.none(r) }) // with the member's next message
		return
	}
	w.waiting = append(w.waiting, r)
	w.after(r.deadline-w.now, func() {
		if i := slices.Index(w.waiting, r); i >= 0 {
			w.waiting = slices.Delete(w.waiting, i, i+1)
			w.await(r)
		}
	})
	w.serve()
}

// serve gives free cabs to the waiting requests, the oldest first.
func (w *simulation) serve() {
	for _, r := range slices.Clone(w.waiting) {
		if i := slices.Index(w.waiting, r); i >= 0 && w.choose(r) != nil {
			w.waiting = slices.Delete(w.waiting, i, i+1)
			w.search(r, func() { w.await(r) })
		}
	}
}

// search looks for the nearest cab, and claims it some time later if nothing has changed.
// Otherwise it searches once more.
func (w *simulation) search(r *ride, nobody func()) {
	c := w.choose(r)
	if c == nil {
		nobody()
		return
	}
	seen := c.order
	w.after(w.trip(), func() {
		if !r.forced && (c.order != seen || !w.free(c)) {
			w.search(r, nobody)
			return
		}
		c.ride = r
		w.after(w.trip(), func() {
			if r.asks(w) {
				w.offer(r, c, func() { w.search(r, nobody) })
				return
			}
			w.match(r, c)
		})
	})
}

func (w *simulation) none(r *ride) {
	w.after(w.trip(), func() {
		w.tell(r.name, func() map[string]any { return map[string]any{"type": "no_match", "id": r.id, "radius": r.radius} }, func() {
			if r.over != nil {
				r.over()
				return
			}
			w.close(r)
		})
	})
}

func (w *simulation) close(r *ride) {
	w.after(100, func() { w.out.Note(w.now, record.Closed, r.name, "") })
}

// choose is the server's search. It looks at every cab.
func (w *simulation) choose(r *ride) *cab {
	var free []*cab
	for _, name := range w.names {
		c := w.cabs[name]
		d := w.meters(r, c)
		switch {
		case c.heard == 0 || d > r.radius:
		case slices.Contains(r.declined, c) && w.free(c) && w.plant(again, true):
			return c
		case r.probe < 0 && w.now-c.heard > ttl+300_000 && c.ride == nil && w.plant(stale, true),
			r.probe < 0 && c.ride != nil && c.ride.match != "" && w.plant(busy, true),
			r.probe < 0 && !c.available && c.ride == nil && w.now-c.heard < ttl-300_000 && w.now-c.heard > 50_000 && w.plant(unwilling, true):
			r.forced = true
			return c
		case w.free(c) && !slices.Contains(r.declined, c):
			free = append(free, c)
		}
	}
	slices.SortFunc(free, func(a, b *cab) int { return cmp.Compare(w.meters(r, a), w.meters(r, b)) })
	switch {
	case len(free) == 0 || r.probe < 0 && w.plant(missing, w.quiet(free[0])):
		return nil
	case r.probe < 0 && len(free) > 1 && w.plant(second, w.quiet(free[0]) && w.meters(r, free[1])-w.meters(r, free[0]) > 2):
		r.forced = true
		return free[1]
	}
	return free[0]
}

func (w *simulation) free(c *cab) bool {
	return !c.stuck && c.ride == nil && c.available && w.now-c.heard <= ttl
}

// quiet tells whether nothing of the cab was in flight for a while.
func (w *simulation) quiet(c *cab) bool { return w.now-c.heard > 50_000 && w.now-c.heard < 900_000 }

func (w *simulation) meters(r *ride, c *cab) float64 {
	const degree = 6371007.180918475 * math.Pi / 180
	north := degree * (c.lat - r.at.Lat)
	east := degree * (c.lng - r.at.Lng) * math.Cos((c.lat+r.at.Lat)/2*math.Pi/180)
	return math.Hypot(north, east)
}

// plant tells whether the fault is to occur now. It occurs once, after some matches.
func (w *simulation) plant(f fault, here bool) bool {
	if f != w.fault || w.planted || !here || w.matches < 10 || w.now-started < 5_000_000 {
		return false
	}
	w.planted = true
	return true
}
