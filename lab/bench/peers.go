package bench

import (
	"cmp"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uber/h3-go/v4"

	"waggle/internal/geo"
	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

// A peer is another way to keep the same members, driven by its commands alone.
type peer interface {
	name() string
	conn() *conn
	// put returns the commands that store a member at a place, move those that move it.
	put(p person) [][]string
	move(p person, to geo.Point) [][]string
	// nearest sends a search for the nearest 8. It returns errNotPossible for tags that
	// the peer does not know.
	nearest(at geo.Point, radius float64, tags []string) error
}

var errNotPossible = errors.New("this peer cannot do that")

// load stores members, many in a trip.
func load(p peer, people []person) error {
	for batch := range slices.Chunk(people, 500) {
		var commands [][]string
		for _, one := range batch {
			commands = append(commands, p.put(one)...)
		}
		if _, err := p.conn().do(commands...); err != nil {
			return fmt.Errorf("%s: %w", p.name(), err)
		}
	}
	return nil
}

// peers measures the rows that a peer can do too.
func (b *bench) peers(all []peer) error {
	t := b.town
	for _, p := range all {
		row := func(name string, do func() error) error {
			return b.row(p.name(), operation{name: name, on: p.conn(), do: func(func() error) error { return do() }})
		}
		if err := first(
			func() error {
				return row(pingRow, func() error { _, err := p.conn().one("PING"); return err })
			},
			func() error {
				return row(steady, func() error {
					who := t.person()
					_, err := p.conn().do(p.move(who, t.near(who.at))...)
					return err
				})
			}); err != nil {
			return err
		}
		for _, s := range t.searches() {
			err := row(s.name, func() error { return p.nearest(s.at(), s.radius, s.tags) })
			if err != nil && !errors.Is(err, errNotPossible) {
				return err
			}
		}
	}
	return nil
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 7, 64) }

// geoSet keeps all members in one GEO set.
type geoSet struct{ c *conn }

func (g geoSet) name() string { return "one GEO set" }
func (g geoSet) conn() *conn  { return g.c }
func (g geoSet) put(p person) [][]string {
	return [][]string{{"GEOADD", "geo", coordinate(p.at.Lng), coordinate(p.at.Lat), p.id}}
}
func (g geoSet) move(p person, to geo.Point) [][]string { p.at = to; return g.put(p) }
func (g geoSet) nearest(at geo.Point, radius float64, tags []string) error {
	if tags != nil {
		return errNotPossible
	}
	_, err := g.c.one("GEOSEARCH", "geo", "FROMLONLAT", coordinate(at.Lng), coordinate(at.Lat), "BYRADIUS", coordinate(radius), "m",
		"ASC", "COUNT", "8", "WITHCOORD", "WITHDIST")
	return err
}

// firstImplementation measures a match as Waggle's first implementation made it: everybody
// within 5 km, unsorted, a lock on one of them, and the routing-table entry.
func (b *bench) firstImplementation(c *conn) error {
	n := 0
	return b.row("the first implementation", operation{name: matchRow, on: c, do: func(func() error) error {
		at := b.town.dense()
		n++
		found, err := c.one("GEORADIUS", "geo", coordinate(at.Lng), coordinate(at.Lat), "5", "km")
		if err != nil {
			return err
		}
		who := ""
		if ids := found.([]any); len(ids) > 0 {
			who = ids[0].(string)
		}
		if _, err := c.one("SETNX", "lock:"+who, name("asks", n)); err != nil {
			return err
		}
		_, err = c.one("SET", "route:"+name("asks", n), who)
		return err
	}})
}

// cells keeps a hash for each H3 cell. The client reads disks of cells and sorts.
type cells struct {
	c          *conn
	resolution int
}

func (h cells) name() string { return fmt.Sprintf("a hash by H3 cell, resolution %d", h.resolution) }
func (h cells) conn() *conn  { return h.c }
func (h cells) cell(p geo.Point) h3.Cell {
	c, err := h3.LatLngToCell(h3.NewLatLng(p.Lat, p.Lng), h.resolution)
	if err != nil {
		panic(err) // the town has only possible places
	}
	return c
}
func (h cells) key(c h3.Cell) string { return "h" + strconv.Itoa(h.resolution) + ":" + c.String() }
func (h cells) put(p person) [][]string {
	return [][]string{{"HSET", h.key(h.cell(p.at)), p.id, coordinate(p.at.Lat) + " " + coordinate(p.at.Lng) + " " + strings.Join(p.tags, " ")}}
}
func (h cells) move(p person, to geo.Point) [][]string {
	from, moved := h.key(h.cell(p.at)), h.put(person{id: p.id, at: to, tags: p.tags})
	if from != moved[0][1] {
		moved = append(moved, []string{"HDEL", from, p.id})
	}
	return moved
}

// nearest reads rings of cells until nobody further out can be nearer. All that is beyond
// disk k is at least 0.68·(1.5k − 0.5) average sides away.
func (h cells) nearest(at geo.Point, radius float64, tags []string) error {
	side, err := h3.HexagonEdgeLengthAvgM(h.resolution)
	if err != nil {
		return err
	}
	var distances []float64
	seen, home := map[h3.Cell]bool{}, h.cell(at)
	for k := 0; ; k++ {
		disk, err := home.GridDisk(k)
		if err != nil {
			return err
		}
		var commands [][]string
		for _, c := range disk {
			if !seen[c] {
				seen[c] = true
				commands = append(commands, []string{"HGETALL", h.key(c)})
			}
		}
		replies, err := h.c.do(commands...)
		if err != nil {
			return err
		}
		for _, reply := range replies {
			for pair := range slices.Chunk(reply.([]any), 2) {
				if d, ok := distance(at, pair[1].(string), tags); ok && d <= radius {
					distances = append(distances, d)
				}
			}
		}
		slices.SortFunc(distances, cmp.Compare[float64])
		known := 0.68 * (1.5*float64(k) - 0.5) * side
		if known >= radius || len(distances) >= 8 && distances[7] <= known {
			return nil
		}
	}
}

// distance reads a member's value, and reports whether the member has the tags.
func distance(from geo.Point, value string, tags []string) (float64, bool) {
	words := strings.Fields(value)
	lat, err := strconv.ParseFloat(words[0], 64)
	lng, err2 := strconv.ParseFloat(words[1], 64)
	for _, tag := range tags {
		if !slices.Contains(words[2:], tag) {
			return 0, false
		}
	}
	return geo.Distance(from, geo.Point{Lat: lat, Lng: lng}), err == nil && err2 == nil
}

// tile38 keeps the members in a collection of Tile38, with a field for each tag.
type tile38 struct {
	c       *conn
	version string
}

func (t tile38) name() string { return "Tile38" }
func (t tile38) conn() *conn  { return t.c }
func (t tile38) put(p person) [][]string {
	return t.move(p, p.at)
}
func (t tile38) move(p person, to geo.Point) [][]string {
	words := []string{"SET", "fleet", p.id}
	for _, tag := range p.tags {
		words = append(words, "FIELD", tag, "1")
	}
	return [][]string{append(words, "EX", strconv.Itoa(int(ttl.Seconds())), "POINT", coordinate(to.Lat), coordinate(to.Lng))}
}
func (t tile38) nearest(at geo.Point, radius float64, tags []string) error {
	words := []string{"NEARBY", "fleet", "LIMIT", "8"}
	for _, tag := range tags {
		words = append(words, "WHERE", tag, "1", "1")
	}
	_, err := t.c.one(append(words, "DISTANCE", "POINTS", "POINT", coordinate(at.Lat), coordinate(at.Lng), coordinate(radius))...)
	return err
}

// startTile38 starts Tile38 without persistence. It returns nil if Tile38 is not on the path.
func startTile38(s *scope.Scope) (*tile38, error) {
	program, err := exec.LookPath("tile38-server")
	if err != nil {
		return nil, nil
	}
	version, err := exec.Command(program, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("tile38-server --version: %w", err)
	}
	address := fmt.Sprint("127.0.0.1:", caches.FreePort(s))
	_, port, _ := strings.Cut(address, ":")
	// The shell kills the server when this process ends, however that is.
	command := exec.Command("sh", "-c", `"$@" </dev/null >/dev/null & echo $!; read -r _; kill -9 $!`, "sh", program,
		"-h", "127.0.0.1", "-p", port, "-d", s.TempDir(), "--appendonly", "no", "-q")
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	s.Cleanup(func() {
		stdin.Close()
		_ = command.Wait() // it was killed
	})
	var pid string
	if _, err := fmt.Fscan(stdout, &pid); err != nil {
		return nil, err
	}
	for range 100 {
		if c, err := dial(address); err == nil {
			c.pid = pid
			return &tile38{c, strings.TrimSpace(strings.TrimPrefix(string(version), "tile38-server version:"))}, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("tile38-server does not answer at %s", address)
}

// thousands writes a number with spaces between thousands.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}
