package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/test/kit/caches"
	"waggle/test/mutation/active"
)

// bounds are how many entries one run of a script may read in ranges, and how many commands
// it may call, whatever is stored.
var bounds = map[string]struct{ entries, calls int }{
	// No circle is begun after 256 entries, and one of 256 may be read twice. Else no box is
	// begun after 256 entries, of which it has a page of 32 in each generation. Each of 160
	// boxes is counted in both, and may be read with two commands, and swept with three.
	"search": {3 * 256, 700},
	// The same, and 8 requests that have expired.
	"register": {3*256 + 8, 750},
	// 128 requests and a last page of 32, and 8 that have expired: in 6 sizes of squares for
	// each of 16 tags. The 16 tags of the member are posted with four commands each.
	"list": {128 + 32 + 8, 300},
	"wake": {128 + 32 + 8, 200},
	// The cells of an area.
	"occupied": {343, 2}, "mark": {343, 6},
	// As many members as MOST_READ in each generation, and the stamp of each.
	"count": {2 * 257, 12},
	// Commands alone.
	"unlist": {0, 8}, "withdraw": {0, 8}, "marked": {0, 4}, "connect": {0, 30},
	// The fields of a record, the positions that no push has shown, and the events in an outbox.
	"report": {30 + 99, 30}, "disconnect": {30, 30}, "relist": {30, 30}, "read": {30, 30}, "told": {40 + 64, 8},
	"begin": {40 + 64, 30}, "claim": {26, 30}, "commit": {60 + 64, 30}, "confirm": {30, 30}, "skip": {30, 12}, "shown": {30, 12},
	"finish": {40 + 64, 30}, "release": {30, 30}, "published": {30 + 64, 12},
	"peer": {30, 12},
}

// TestEveryScriptReadsABoundedNumberOfEntries makes the worst of what may be stored, and
// counts what each run of a script reads.
func TestEveryScriptReadsABoundedNumberOfEntries(t *testing.T) {
	t.Run("server", everyScriptReadsABoundedNumberOfEntries)
}

func everyScriptReadsABoundedNumberOfEntries(t *testing.T) {
	c := caches.Server(t)
	direct, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(c.URL, "redis://")}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	worst := make(map[string]count)
	for i, one := range worstCases() {
		t.Run(one.name, func(t *testing.T) {
			f := newFixture(t, c, direct, fmt.Sprint("worst-", i+1), counted)
			one.run(f)
			f.checkBounds(worst)
		})
	}
	for name, of := range bounds {
		if got, ran := worst[name]; !ran {
			t.Errorf("%s was not run", name)
		} else if got.entries < of.entries/2 {
			t.Errorf("%s read %d entries at most: the worst cases are not bad enough for a bound of %d", name, got.entries, of.entries)
		} else {
			t.Logf("%s: %d entries of at most %d, %d commands of at most %d", name, got.entries, of.entries, got.calls, of.calls)
		}
	}
}

// These numbers of the scripts are the bounds of this test.
func TestBoundsAreThoseOfTheScripts(t *testing.T) {
	text := readBranches(t).sources["cell.lua"]
	for name, want := range map[string]int{"MOST_READ": 256, "MOST_BOXES": 160, "PAGE": 32, "RARE": 128, "MOST_LOOKED": 128} {
		found := regexp.MustCompile(name + ` = (\d+)`).FindStringSubmatch(text)
		if found == nil || found[1] != strconv.Itoa(want) {
			t.Errorf("got %q, want %s = %d", found, name, want)
		}
	}
}

// counted makes the scripts write down what they have read, in a list of their slot. Their
// clock shows the offset alone.
func counted(file, text string) string {
	text = active.Script(file, text)
	folder, name, isScript := strings.Cut(file, "/")
	if folder == "common" {
		return `local ran, looked_at = 0, 0
local function real_call(...) return redis.call(...) end
local redis = { register_function = redis.register_function, call = function(command, ...)
  ran = ran + 1
  local result = real_call(command, ...)
  if command == 'ZRANGEBYLEX' or command == 'GEOSEARCH' or command == 'LRANGE' then
    looked_at = looked_at + #result
  elseif command == 'ZRANGEBYSCORE' or command == 'ZRANGE' or command == 'HGETALL' then
    looked_at = looked_at + #result / 2
  end
  for i, word in ipairs({ ... }) do
    if word == 'LIMIT' then -- the cache reads what it skips
      looked_at = looked_at + ({ ... })[i + 1]
    end
  end
  return result
end }
` + strings.Replace(text, "redis.call('TIME')", "{ 0, 0 }", 1)
	}
	if !isScript {
		return text
	}
	return fmt.Sprintf(`local answer = (function() %s
end)()
real_call('RPUSH', 'counts:' .. string.match(keys[1], '{.*}'), '%s ' .. looked_at .. ' ' .. ran)
ran, looked_at = 0, 0
return answer`, text, name)
}

// A count is what one run of a script has read.
type count struct {
	script         string
	entries, calls int
}

// counts returns the counts of all runs since the last time. Those on one slot are in order.
func (f *fixture) counts() (all []count) {
	f.t.Helper()
	for _, key := range keys(f.t, f.direct, "counts:*") {
		runs, err := f.direct.Do(f.t.Context(), f.direct.B().Lrange().Key(key).Start(0).Stop(-1).Build()).AsStrSlice()
		f.must(err)
		f.evict(key)
		for _, run := range runs {
			var one count
			if _, err := fmt.Sscan(run, &one.script, &one.entries, &one.calls); err != nil {
				f.t.Fatal(err)
			}
			all = append(all, one)
		}
	}
	return all
}

// checkBounds fails the test for each run that read too much.
func (f *fixture) checkBounds(worst map[string]count) {
	f.t.Helper()
	for _, got := range f.counts() {
		name := got.script
		if of, known := bounds[name]; !known || got.entries > of.entries || got.calls > of.calls {
			f.t.Errorf("a run read %+v, want at most %+v", got, of)
		}
		worst[name] = count{name, max(worst[name].entries, got.entries), max(worst[name].calls, got.calls)}
	}
}

// many is how many members or requests are stored in a worst case.
const many = 2000

// worstCases are generators of what is worst for a script.
func worstCases() []testCase {
	someTags := func(n int) string { // as many as a member may have
		tags := []string{"common", fmt.Sprint("rare", n%(many/100))}
		for i := len(tags); i < 16; i++ {
			tags = append(tags, fmt.Sprint("tag", i, "-", n%(1<<i)))
		}
		return strings.Join(tags, " ")
	}
	spread := func(random *rand.Rand) geo.Point { // somewhere in the cell
		for {
			p := geo.Point{Lat: north(0).Lat + random.NormFloat64()*0.015, Lng: north(0).Lng + random.NormFloat64()*0.02}
			if geo.ShardCell(p) == geo.ShardCell(north(0)) {
				return p
			}
		}
	}
	crowds := func(name string, change func(f *fixture, random *rand.Rand, n int, c *match.Change)) testCase {
		return testCase{name, func(f *fixture) {
			random := rand.New(rand.NewPCG(1, 2))
			list := func(n int) {
				changes := make([]match.Change, n)
				for n := range changes {
					changes[n] = match.Change{Position: match.Position{Point: spread(random), At: f.now}, Heard: f.now, Tags: someTags(n)}
					change(f, random, n, &changes[n])
				}
				f.crowd(n, func(n int, c *match.Change) {
					c.Position, c.Heard, c.Tags = changes[n].Position, changes[n].Heard, changes[n].Tags
				}, fmt.Sprint("at-", f.now, "-"))
			}
			f.advance(-30 * time.Second)
			list(many / 2)
			f.advance(30 * time.Second)
			list(many / 2)
			f.searchEveryWay(random)
		}}
	}
	return []testCase{
		{"a matcher whose events cannot be published", func(f *fixture) {
			f.eventful()
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			for n := range 35 {
				id := fmt.Sprint("m", n)
				ana.matchWith(fmt.Sprint("r", n), id, ben)
				f.says(ana.finish(id, ben, "completed"), match.StatusEnded)
				f.says(ana.release(id, ben, "completed"), match.StatusReleased)
			}
			ana.published(match.Unpublished{})
		}},
		{"a matchee of whom no push has shown anything for long", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			ben.skip("m1", make([]protocol.Fix, 100)...)
			ben.skip("m1", make([]protocol.Fix, 100)...)
			same(f, len(ben.report(20).Skipped), 99)
			ben.shown(protocol.Fix{})
			f.says(ben.peer("m1", true, f.now), match.StatusOK)
		}},
		crowds("members everywhere", func(*fixture, *rand.Rand, int, *match.Change) {}),
		crowds("members without tags", func(_ *fixture, _ *rand.Rand, _ int, c *match.Change) { c.Tags = "" }),
		crowds("thousands at one point", func(_ *fixture, _ *rand.Rand, _ int, c *match.Change) { c.Point = north(0) }),
		crowds("thousands at three points", func(_ *fixture, _ *rand.Rand, n int, c *match.Change) { c.Point = north(float64(n%3) / 2) }),
		crowds("a crowd around a point, ever denser", func(_ *fixture, random *rand.Rand, _ int, c *match.Change) {
			c.Point = north(1000 * math.Pow(random.Float64(), 6))
		}),
		crowds("members who have become stale", func(f *fixture, _ *rand.Rand, n int, c *match.Change) {
			if n%50 != 0 {
				c.Heard = f.now - 60_000
			}
		}),
		crowds("stale members at one point", func(f *fixture, _ *rand.Rand, _ int, c *match.Change) {
			c.Point, c.Heard = north(0), f.now-60_000
		}),
		crowds("members along the sides and at the corners of the cell", func(_ *fixture, _ *rand.Rand, n int, c *match.Change) {
			c.Point = edge(float64(n))
		}),
		{"a small crowd who do not fit, most of them in one generation", func(f *fixture) {
			random := rand.New(rand.NewPCG(5, 6))
			for _, crowd := range []struct {
				size int
				ago  time.Duration
			}{{50, 30 * time.Second}, {200, 0}} {
				points := make([]geo.Point, crowd.size)
				for n := range points { // as many within each metre as within the next
					off, angle := 60*random.Float64(), 2*math.Pi*random.Float64()
					points[n] = geo.Point{Lat: north(off * math.Sin(angle)).Lat, Lng: north(0).Lng + (north(off*math.Cos(angle)).Lat-north(0).Lat)*1.26}
				}
				f.advance(-crowd.ago)
				f.crowd(crowd.size, func(n int, c *match.Change) { c.Point, c.Tags = points[n], "other" }, crowd.ago.String())
				f.advance(crowd.ago)
			}
			f.crowd(many, func(n int, c *match.Change) { c.Point, c.Tags = edge(float64(n)), "common" })
			for range 60 {
				f.search(random.NormFloat64()*20, 20_000, 128, "common")
				w := match.WaitingRequest{Owner: match.Member{Pool: f.pool, ID: "me"}, Request: match.Request{Point: north(random.NormFloat64() * 20),
					Radius: 20_000, Tags: []string{"common"}, Created: f.now, Deadline: f.now + 1000}}
				_, err := f.store.Register(f.t.Context(), shards([]float64{0}), w, 128)
				f.must(err)
			}
		}},
		{"members in one circle out of reach of a search", func(f *fixture) {
			f.crowd(many, func(n int, c *match.Change) {
				angle := 2 * math.Pi * float64(n) / many
				c.Point = geo.Point{Lat: north(0).Lat + 0.009*math.Sin(angle), Lng: north(0).Lng + 0.009*math.Cos(angle)/math.Cos(north(0).Lat*math.Pi/180)}
			})
			for _, radius := range []float64{100, 990, 1000.5, 1010} {
				f.searchAll(match.Query{Point: north(0), Radius: radius, Want: 4})
			}
		}},
		{"20 km over full and over sparse country", func(f *fixture) {
			random := rand.New(rand.NewPCG(3, 4))
			for range 400 {
				p := geo.Point{Lat: north(0).Lat + random.NormFloat64()*0.1, Lng: north(0).Lng + random.NormFloat64()*0.1}
				f.connected(fmt.Sprint("m", random.Uint64())).moveTo(0, func(r *match.Report) { r.Point = p }, tagged("van"))
			}
			for range 5 {
				f.searchAround(random.NormFloat64() * 10_000)
			}
		}},
		{"an area all of whose cells have members, or had", func(f *fixture) {
			for n := range 50 {
				for m := range 50 {
					p := geo.Point{Lat: north(0).Lat + float64(n-25)*0.03, Lng: north(0).Lng + float64(m-25)*0.036}
					c := match.Change{List: true, Cell: geo.ShardCell(p), Epoch: 1, Heard: f.now, Position: match.Position{Point: p, At: f.now}}
					_, err := f.store.Apply(f.t.Context(), match.Member{Pool: f.pool, ID: fmt.Sprint(n, "-", m)}, []match.Change{c})
					f.must(err)
				}
			}
			f.searchAround(0)
			f.advance(3 * time.Minute)
			f.searchAround(0)
		}},
		{"as many members in each generation as are counted one by one", func(f *fixture) {
			for _, more := range []int{255, 1, 1} {
				f.crowd(more, func(int, *match.Change) {}, fmt.Sprint("old", f.now))
				f.advance(time.Minute)
				f.crowd(more, func(int, *match.Change) {}, fmt.Sprint("new", f.now))
				f.counted()
				f.advance(-time.Minute + 100*time.Millisecond)
				f.evict(f.key("count", string(geo.ShardCell(north(0)))))
			}
		}},
		waitingCase("requests that fit", func(int, *match.WaitingRequest) {}),
		waitingCase("requests that nearly fit", func(_ int, w *match.WaitingRequest) { w.Radius = 90 }),
		waitingCase("requests that widen and do not fit yet", func(_ int, w *match.WaitingRequest) {
			w.Widening = match.Widening{From: 1, To: 1000, Over: time.Hour}
		}),
		waitingCase("requests that want what nobody has", func(n int, w *match.WaitingRequest) { w.Tags = []string{fmt.Sprint("other", n)} }),
		waitingCase("requests that want two tags of which a member has one", func(n int, w *match.WaitingRequest) {
			w.Tags = []string{fmt.Sprint("tag", n%16), "other"}
		}),
		waitingCase("requests of every size for every tag of a member", func(n int, w *match.WaitingRequest) {
			if n%17 > 0 {
				w.Tags = []string{fmt.Sprint("tag", n%17-1)}
			}
			w.Radius = 90 * math.Pow(2, float64(n/17%6))
		}),
		waitingCase("requests that have expired", func(_ int, w *match.WaitingRequest) { w.Deadline = start - 1 }),
		waitingCase("requests at the corners of the cell", func(n int, w *match.WaitingRequest) { w.Point, w.Radius = edge(float64(n)), 20_000 }),
	}
}

// waitingCase lets a thousand requests wait, and lists, moves and removes a member among them.
func waitingCase(name string, change func(n int, w *match.WaitingRequest)) testCase {
	return testCase{name, func(f *fixture) {
		f.wait(1000, change)
		var tags []string
		for n := range 16 {
			tags = append(tags, fmt.Sprint("tag", n))
		}
		ben := f.connected("ben")
		for _, meters := range []float64{100, 100, 101, 900, 2000} {
			ben.moveTo(meters)
			ben.moveTo(meters, tagged(tags...))
			ben.moveTo(meters, tagged(tags[0]))
			ben.apply(ben.relist()...)
			f.advance(5 * time.Second)
		}
		ben.apply(unlist(0, f.now))
		ben.moveTo(0)
		ben.asked = match.Request{ID: "r", Point: north(0), Radius: 20_000, Tags: tags, Created: f.now, Deadline: f.now + 1000, Wait: true}
		ben.register(0)
		ben.asked.Created++
		ben.register(0)
		ben.withdraw(0)
		ben.leave()
	}}
}

// searchEveryWay searches the cell from many points, for many members and few, by common,
// rare and absent tags, and goes on until all is read.
func (f *fixture) searchEveryWay(random *rand.Rand) {
	f.t.Helper()
	for _, tags := range []string{"", "common", "rare1", "nobodys", "common rare2", "tag2-1 common", "tag5-1 tag6-3", "common nobodys", "tag15-1 tag14-1 tag13-1 tag12-1"} {
		for _, from := range []geo.Point{north(0), north(500), edge(0), edge(random.Float64() * 360)} {
			for _, want := range []int{1, 4, 128} {
				f.searchAll(match.Query{Point: from, Radius: []float64{50, 1000, 20_000}[random.IntN(3)], Tags: strings.Fields(tags), Want: want})
			}
		}
		far := match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: north(9000), Radius: 10_000, Tags: strings.Fields(tags), Want: 4}
		_, err := f.store.Search(f.t.Context(), parts(geo.ShardCell(north(0))), far)
		f.must(err)
	}
	a := f.newMember("asks")
	a.asked = match.Request{ID: "r", Point: north(0), Radius: 20_000, Created: f.now, Deadline: f.now + 1000, Wait: true}
	a.register(0)
	a.withdraw(0)
}

// edge is a point of the cell in the middle at its boundary, in that direction in degrees.
func edge(direction float64) geo.Point {
	cell := geo.ShardCell(north(0))
	sin, cos := math.Sincos(direction * math.Pi / 180)
	at := func(degrees float64) geo.Point {
		return geo.Point{Lat: north(0).Lat + degrees*sin, Lng: north(0).Lng + degrees*cos}
	}
	in, out := 0.0, 0.1
	for range 40 {
		if middle := (in + out) / 2; geo.ShardCell(at(middle)) == cell {
			in = middle
		} else {
			out = middle
		}
	}
	return at(in)
}
