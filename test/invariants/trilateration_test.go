package invariants_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
	"waggle/test/kit"
	"waggle/test/kit/caches"
)

const (
	smallestBand = 50.0 // metres
	// toldTo is how exact a distance in an answer is: the index rounds to squares of 0.6 m, and two
	// distances count as equal up to 1 m.
	toldTo      = 2.0
	askEvery    = 6 * time.Second // what requestsPerMinute allows
	reportEvery = 9               // of these
	anHour      = int(time.Hour / askEvery)
	targets     = 24
	// enough answers about one target: more of them show hardly more.
	enough = 40
)

// TestWhoNeverAgreedIsNotLocated lets an attacker ask for an hour where members are who accept no
// offer. It may be anywhere, and knows by which tag it gets which member.
func TestWhoNeverAgreedIsNotLocated(t *testing.T) {
	targets := kit.Times(8, targets)
	if testing.Short() { // under the race detector, which finds little here
		targets = 2
	}
	for consent, place := range map[string]func(geo.Point) geo.Point{
		"required": geo.Coarse,
		"implied":  func(p geo.Point) geo.Point { return p }, // who reports has agreed
	} {
		for _, accounts := range []int{1, 10} {
			t.Run(fmt.Sprint(consent, " with ", accounts), func(t *testing.T) {
				a := newAttack(t, consent, accounts, targets, place)
				a.ask(kit.Random(t, 0))
				var errors, areas []float64
				asked := 0
				for _, x := range a.targets {
					asked += len(x.answers)
					errors = append(errors, geo.Distance(x.estimate(), x.at))
					areas = append(areas, a.fits(x))
				}
				slices.Sort(errors)
				slices.Sort(areas)
				located, _ := slices.BinarySearch(areas, math.Pi*smallestBand*smallestBand)
				t.Logf("%d of %d members were located to less than a circle of %g m, by %d answers; the guess is out by %.1f m in the median and %.1f m at best; the answers fit %.0f m² in the median and %.0f m² at least",
					located, targets, smallestBand, asked, errors[targets/2], errors[0], areas[targets/2], areas[0])
				if consent == "required" && located > 0 {
					t.Errorf("a member who never agreed was located to %.0f m², want no less than a circle of %g m", areas[0], smallestBand)
				}
				if consent == "implied" && located < targets {
					t.Errorf("%d of %d members were located: the attacker is too weak to show anything", located, targets)
				}
			})
		}
	}
}

// TestHowManyMembersAnHourOfMatchesShows lets an attacker match one member after the other where a
// report is consent. It ends each match at once, or when that is not early any more.
func TestHowManyMembersAnHourOfMatchesShows(t *testing.T) {
	const harvestPerHour, matchesAtOnceAndPerHour = 20, 2 * 30 // the pool's defaults
	for _, accounts := range []int{1, 10} {
		for name, hold := range map[string]time.Duration{"at once": 0, "after a minute": 61 * time.Second} {
			t.Run(fmt.Sprint(name, " with ", accounts), func(t *testing.T) {
				a := newAttack(t, "implied", accounts, targets, nil)
				seen := a.harvest(hold)
				t.Logf("%d of %d members were seen", seen, targets)
				most := accounts * harvestPerHour
				if hold > 0 {
					most = accounts * matchesAtOnceAndPerHour
				}
				if seen > most || seen < min(targets, most) {
					t.Errorf("%d of %d members were seen, want %d", seen, targets, min(targets, most))
				}
			})
		}
	}
}

// An attack is made by accounts that share what they learn.
type attack struct {
	*backend
	accounts []*client
	targets  []*target
	// place is where a member at a point counts as being.
	place    func(geo.Point) geo.Point
	requests int
}

// A target is a member who stays where it is, and what is known of it.
type target struct {
	*client
	at      geo.Point
	tag     string
	answers []answer
	spots   []geo.Point // the middles of the squares in which it may be
	side    float64     // of such a square, metres
}

// An answer says that a member counts as more than so far from a point, and not farther than that.
type answer struct {
	from              geo.Point
	moreThan, notOver float64 // metres
}

func (a answer) fits(p geo.Point, slack float64) bool {
	d := geo.Distance(a.from, p)
	return d > a.moreThan-slack && d <= a.notOver+slack
}

// The targets are within townSide/2 of the town's middle, north and east of it.
const townSide = 6400.0 // metres

var town = geo.Point{Lat: 37.7749, Lng: -122.4194}

func metresFrom(p geo.Point, north, east float64) geo.Point {
	const degree = 111195 // metres
	return geo.Point{Lat: p.Lat + north/degree, Lng: p.Lng + east/degree/math.Cos(p.Lat*math.Pi/180)}
}

func newAttack(t *testing.T, consent string, accounts, targets int, place func(geo.Point) geo.Point) *attack {
	a := &attack{backend: newBackend(t, caches.Embedded(t), `{"pools":{"default":{"consent":"`+consent+`"}}}`), place: place}
	random := kit.Random(t, 1)
	join := func(name string) *client {
		id := identity("default", name)
		id.Expires = a.now().Add(2 * time.Hour)
		return a.joinAs(id)
	}
	for i := range accounts {
		a.accounts = append(a.accounts, join(fmt.Sprint("eve", i)))
	}
	for i := range targets {
		tag := fmt.Sprint("t", i)
		x := &target{client: join(tag), tag: tag, side: townSide / 32,
			at: metresFrom(town, (random.Float64()-0.5)*townSide, (random.Float64()-0.5)*townSide)}
		for n := range 32 * 32 {
			x.spots = append(x.spots, metresFrom(town, (float64(n/32)-15.5)*x.side, (float64(n%32)-15.5)*x.side))
		}
		a.targets = append(a.targets, x)
	}
	a.report()
	return a
}

// report lets every target report, so that it can be found.
func (a *attack) report() {
	for _, x := range a.targets {
		x.report(x.at.Lat, x.at.Lng, `"available":true`, `"tags":["`+x.tag+`"]`)
	}
}

// ask asks as often as the budgets allow. With more than one account, the last one is a decoy: the
// answers say whether it or a target is nearer to a point.
func (a *attack) ask(random *rand.Rand) {
	askers, decoy := a.accounts, (*client)(nil)
	if last := len(a.accounts) - 1; last > 0 {
		askers, decoy = a.accounts[:last], a.accounts[last]
	}
	next := 0
	for step := range anHour {
		if step%reportEvery == 0 {
			a.report()
		}
		for i, c := range askers {
			x := a.targets[next%len(a.targets)]
			next++
			if len(x.answers) == enough {
				continue
			}
			if point, radius := x.question(random); decoy != nil && i == 0 {
				x.learn(a.t, a.compare(c, decoy, x, point, metresFrom(point, radius, 0)))
			} else {
				x.learn(a.t, a.request(c, x, point, max(radius, 100)))
			}
		}
		a.advance(askEvery)
	}
}

// request asks for the target around a point, and takes the request back.
func (a *attack) request(c *client, x *target, point geo.Point, radius float64) answer {
	a.t.Helper()
	told, open := a.open(c, x, point, radius, 30*(a.requests%2))
	if open {
		c.send("cancel", "")
		want[*protocol.Ended](c)
	}
	return told
}

// open asks for the target, and returns what the first answer tells and whether the request is open.
func (a *attack) open(c *client, x *target, point geo.Point, radius float64, wait int) (told answer, open bool) {
	a.t.Helper()
	a.requests++
	c.take()
	c.send("match", fmt.Sprintf(`"id":"r%d","lat":%s,"lng":%s,"radius":%s,"tags":[%q],"confirm":15,"wait":%d`, a.requests,
		number(point.Lat), number(point.Lng), number(radius), x.tag, wait))
	return a.read(c, point, radius)
}

// read takes what an account was told of a request around a point.
func (a *attack) read(c *client, point geo.Point, radius float64) (told answer, open bool) {
	a.t.Helper()
	told = answer{point, radius, math.Inf(1)}
	answered := false
	for _, f := range c.take() {
		switch f := f.(type) {
		case *protocol.NoMatch:
			answered = true
		case *protocol.Waiting:
			answered, open = true, true
		case *protocol.Offered:
			answered, open = true, true
			bands := []float64{0, smallestBand, 100, 250, 500, 1000, 2500, 5000, 10000, 20000}
			told.moreThan, told.notOver = bands[slices.Index(bands, f.Distance)-1], min(radius, f.Distance)
		}
	}
	if !answered {
		a.t.Fatalf("%s was told nothing: %s", c.id.Member, c.all())
	}
	return told, open
}

// compare asks who is nearer to a point, the target or the decoy at its place. The decoy declines
// what is offered to it.
func (a *attack) compare(c, decoy *client, x *target, point, at geo.Point) answer {
	a.t.Helper()
	for range 2 { // after a jump the second report counts
		decoy.report(at.Lat, at.Lng, `"available":true`, `"tags":["`+x.tag+`"]`)
		a.advance(time.Millisecond)
	}
	decoy.take()
	distance := geo.Distance(point, a.place(at))
	radius := 200 + 1.5*distance
	told, open := a.open(c, x, point, radius, 0)
	if f, ok := last[*protocol.Offered](decoy); ok {
		decoy.send("decline", `"match":"`+f.Match+`"`)
		told, open = a.read(c, point, radius)
		told.moreThan = max(told.moreThan, distance)
	} else {
		told.notOver = min(told.notOver, distance)
	}
	if open {
		c.send("cancel", "")
		want[*protocol.Ended](c)
	}
	decoy.report(at.Lat, at.Lng, `"tags":[]`)
	return told
}

// question returns a circle that has half of the spots, or is at random near the last ones.
func (x *target) question(random *rand.Rand) (geo.Point, float64) {
	middle := x.estimate()
	spread := x.side
	for _, s := range x.spots {
		spread = max(spread, geo.Distance(middle, s))
	}
	sin, cos := math.Sincos(random.Float64() * 2 * math.Pi)
	off := max(150, 1.5*spread)
	point := metresFrom(middle, off*sin, off*cos)
	if spread < 2*toldTo {
		return point, off + (random.Float64()-0.5)*4*smallestBand
	}
	distances := make([]float64, len(x.spots))
	for i, s := range x.spots {
		distances[i] = geo.Distance(point, s)
	}
	slices.Sort(distances)
	return point, distances[len(distances)/2]
}

// learn keeps the squares that fit the answer, and divides them while they are few.
func (x *target) learn(t *testing.T, a answer) {
	t.Helper()
	x.answers = append(x.answers, a)
	x.spots = slices.DeleteFunc(x.spots, func(p geo.Point) bool { return !a.fits(p, toldTo+x.side/math.Sqrt2) })
	for len(x.spots) < 64 && x.side > 1 {
		x.side /= 2
		var finer []geo.Point
		for _, p := range x.spots {
			for _, by := range [][2]float64{{-1, -1}, {-1, 1}, {1, -1}, {1, 1}} {
				q := metresFrom(p, by[0]*x.side/2, by[1]*x.side/2)
				if !slices.ContainsFunc(x.answers, func(a answer) bool { return !a.fits(q, toldTo+x.side/math.Sqrt2) }) {
					finer = append(finer, q)
				}
			}
		}
		x.spots = finer
		if len(finer) == 0 {
			t.Fatalf("the answers about %s contradict each other", x.tag)
		}
	}
}

// estimate is the middle of the spots.
func (x *target) estimate() (middle geo.Point) {
	for _, s := range x.spots {
		middle.Lat += s.Lat / float64(len(x.spots))
		middle.Lng += s.Lng / float64(len(x.spots))
	}
	return middle
}

// fits returns the area, in square metres, of all the places where the target could be by the answers.
func (a *attack) fits(x *target) float64 {
	a.t.Helper()
	fit := func(p geo.Point) bool {
		p = a.place(p)
		return !slices.ContainsFunc(x.answers, func(told answer) bool { return !told.fits(p, toldTo) })
	}
	if !fit(x.at) {
		a.t.Errorf("the answers about %s tell more than its place: %v", x.tag, x.at)
	}
	const step, most = 2.0, 250.0
	area := 0.0
	for north := -most; north < most; north += step {
		for east := -most; east < most; east += step {
			if fit(metresFrom(x.at, north, east)) {
				area += step * step
			}
		}
	}
	return area
}

// harvest matches one target after the other, and ends each match when it is that old. It returns
// how many targets were seen.
func (a *attack) harvest(hold time.Duration) int {
	type running struct {
		match string
		ends  time.Time
	}
	seen, inMatch := make(map[string]bool), make(map[*client]running)
	unseen := slices.Clone(a.targets)
	over := a.now().Add(time.Hour) // the test's own time counts too: under the race detector it is some seconds
	for step := 0; a.now().Before(over) && len(unseen) > 0; step++ {
		if step%reportEvery == 0 {
			a.report()
		}
		for _, c := range a.accounts {
			if r := inMatch[c]; r.match != "" && !a.now().Before(r.ends) {
				c.send("end", `"match":"`+r.match+`"`)
				want[*protocol.Ended](c)
				delete(inMatch, c)
			}
			if inMatch[c].match != "" || len(unseen) == 0 { // the others have seen them all
				continue
			}
			x := unseen[0]
			a.requests++
			c.take()
			c.send("match", fmt.Sprintf(`"id":"r%d","lat":%s,"lng":%s,"radius":20000,"tags":[%q]`, a.requests, number(town.Lat), number(town.Lng), x.tag))
			m, ok := last[*protocol.Matched](c)
			if !ok {
				continue
			}
			if d := geo.Distance(geo.Point{Lat: m.Peer.Lat, Lng: m.Peer.Lng}, x.at); d > 1 {
				a.t.Errorf("%s was seen %.0f m from where it is", x.tag, d)
			}
			seen[x.tag], unseen = true, unseen[1:]
			inMatch[c] = running{m.Match, a.now().Add(hold)}
			if hold == 0 {
				c.send("end", `"match":"`+m.Match+`"`)
				want[*protocol.Ended](c)
				delete(inMatch, c)
			}
		}
		a.advance(askEvery)
	}
	return len(seen)
}
