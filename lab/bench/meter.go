package bench

import (
	"math"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"waggle/lab/stats"
)

// A meter measures operations in multiples of a PING: the server's own processor time for a
// block of operations, over that for a block of PINGs right before it.
type meter struct {
	unit    *conn // the server whose PING is the unit
	repeats int
	block   time.Duration // how long one block of operations takes about
	// trips and commands count what Waggle sends.
	trips, commands atomic.Int64
}

// A block alternates between PINGs and operations in so many slices, so that both see the
// same machine. A slice has so many PINGs.
const (
	slicesInBlock = 10
	pingsInSlice  = 40
)

// A clock tells the processor time that one server, or several, have used.
type clock interface {
	cpu() (time.Duration, error)
}

// An operation is measured in blocks. Its phases are measured apart: do calls next where a
// phase ends, except the last.
type operation struct {
	name   string
	phases []string // nil: one phase, which has the operation's name
	most   int      // operations in a block, 0: as many as the block's time allows
	// on is the clock of the server that does the work.
	on clock
	// prepare prepares n operations, unmeasured. It may be nil.
	prepare func(n int) error
	do      func(next func() error) error
}

// measure returns a row for each phase.
func (m *meter) measure(op operation) ([]Row, error) {
	if op.phases == nil {
		op.phases = []string{op.name}
	}
	n, err := m.fit(op)
	if err != nil {
		return nil, err
	}
	overhead, err := m.overhead(op.on)
	if err != nil {
		return nil, err
	}
	samples := make([]sample, len(op.phases))
	for range m.repeats {
		if op.prepare != nil {
			if err := op.prepare(n); err != nil {
				return nil, err
			}
		}
		total, ping := make([]phase, len(op.phases)), time.Duration(0)
		parts := min(slicesInBlock, n)
		for i := range parts {
			one, err := m.ping()
			if err != nil {
				return nil, err
			}
			ping += one / time.Duration(parts)
			if err := m.run(op, n*(i+1)/parts-n*i/parts, overhead, total); err != nil {
				return nil, err
			}
		}
		for i, p := range total {
			samples[i].add(p, n, ping)
		}
	}
	rows := make([]Row, len(op.phases))
	for i, s := range samples {
		rows[i] = s.row(op.phases[i])
	}
	return rows, nil
}

// fit returns how many operations make a block. It runs some, so that caches are warm.
func (m *meter) fit(op operation) (int, error) {
	if op.prepare != nil {
		if err := op.prepare(2); err != nil {
			return 0, err
		}
	}
	var last time.Duration
	for range 2 {
		start := time.Now()
		if err := op.do(func() error { return nil }); err != nil {
			return 0, err
		}
		last = time.Since(start)
	}
	n := int(max(1, m.block/max(last, time.Microsecond)))
	if op.most > 0 {
		n = min(n, op.most)
	}
	return n, nil
}

// overhead returns the processor time of reading the processor time.
func (m *meter) overhead(on clock) (time.Duration, error) {
	const times = 50
	before, err := on.cpu()
	if err != nil {
		return 0, err
	}
	last := before
	for range times {
		if last, err = on.cpu(); err != nil {
			return 0, err
		}
	}
	return (last - before) / times, nil
}

// ping returns the processor time of one PING.
func (m *meter) ping() (time.Duration, error) {
	before, err := m.unit.cpu()
	if err != nil {
		return 0, err
	}
	for range pingsInSlice {
		if _, err := m.unit.one("PING"); err != nil {
			return 0, err
		}
	}
	after, err := m.unit.cpu()
	return (after - before) / pingsInSlice, err
}

// A phase is what some operations used in one phase of its operations.
type phase struct {
	cpu             time.Duration
	walls           []float64 // microseconds of each operation
	trips, commands int64
}

// run runs n operations and adds what they used. With several phases it reads the processor
// time between them.
func (m *meter) run(op operation, n int, overhead time.Duration, total []phase) error {
	before, err := op.on.cpu()
	if err != nil {
		return err
	}
	read := func(p *phase) error {
		after, err := op.on.cpu()
		p.cpu += after - before - overhead
		before = after
		return err
	}
	for range n {
		i, start, trips, commands := 0, time.Now(), m.trips.Load(), m.commands.Load()
		end := func() error {
			p := &total[i]
			p.walls = append(p.walls, float64(time.Since(start))/1e3)
			p.trips += m.trips.Load() - trips
			p.commands += m.commands.Load() - commands
			trips, commands = m.trips.Load(), m.commands.Load()
			i++
			if len(total) == 1 {
				return nil
			}
			err := read(p)
			start = time.Now()
			return err
		}
		if err := op.do(end); err != nil {
			return err
		}
		if err := end(); err != nil {
			return err
		}
	}
	if len(total) == 1 {
		return read(&total[0])
	}
	return nil
}

// A sample is what all blocks of one phase used.
type sample struct {
	ratios, micros, walls []float64
	trips, commands, n    float64
}

func (s *sample) add(p phase, n int, ping time.Duration) {
	each := float64(p.cpu) / float64(n)
	s.ratios = append(s.ratios, each/float64(max(ping, 1)))
	s.micros = append(s.micros, each/1e3)
	s.walls = append(s.walls, p.walls...)
	s.trips, s.commands, s.n = s.trips+float64(p.trips), s.commands+float64(p.commands), s.n+float64(n)
}

func (s *sample) row(name string) Row {
	slices.Sort(s.ratios)
	return Row{Name: name, Pings: round(median(s.ratios)), Low: round(s.ratios[0]), High: round(s.ratios[len(s.ratios)-1]),
		Micros: round(median(s.micros)), WallMicros: round(median(s.walls)), Trips: round(s.trips / s.n), Commands: round(s.commands / s.n),
		Operations: int(s.n)}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return stats.Percentile(values, 50)
}

// round keeps three digits, and whole numbers whole.
func round(v float64) float64 {
	if math.Abs(v) >= 1_000 {
		return math.Round(v)
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return v // impossible: it was just formatted
	}
	return short
}

// first returns the first error of functions that are called in order until one fails.
func first(all ...func() error) error {
	for _, f := range all {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}
