package bench

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Markdown returns the tables of a result, as docs/performance.md has them.
func (r Result) Markdown() string {
	var b strings.Builder
	tile38 := "Tile38 " + r.Tile38
	if r.Tile38 == "" {
		tile38 = "Tile38 is not on the path"
	}
	load := ""
	if r.Load != "" {
		load = ", with a load average of " + r.Load + " before"
	}
	fmt.Fprintf(&b, "%s, %s; %d cores%s; a PING takes %s µs; %d repeats; %s s in all; %s.\n\n", r.Server, tile38, r.Cores, load, number(r.PingMicros),
		r.Repeats, number(r.Seconds), r.Date)
	sizes := r.sizes()
	var columns []string
	for _, size := range sizes {
		columns = append(columns, thousands(size)+" members")
	}
	largest := sizes[len(sizes)-1]
	pings := func(row Row) string {
		return fmt.Sprintf("%s (%s – %s)", number(row.Pings), number(row.Low), number(row.High))
	}
	ownName := func(row Row) []string { return []string{row.Name} }
	trips := func(row Row) string {
		row, _ = r.row(ours, row.Name, largest)
		return number(row.Trips) + " / " + number(row.Commands)
	}
	r.rows(&b, append(append([]string{"PINGs, median (least – most)"}, columns...), "trips / commands"),
		func(row Row) bool { return row.System == ours && r.atEach(row) }, ownName, pings, sizes, trips)
	r.rows(&b, []string{"PINGs, median (least – most)", columns[len(columns)-1], "trips / commands"},
		func(row Row) bool { return row.System == ours && !r.atEach(row) }, ownName, pings, []int{largest}, trips)
	r.rows(&b, append([]string{"µs of the server's time", ""}, columns...), func(row Row) bool { return r.compared(row.Name) },
		func(row Row) []string { return []string{row.Name, row.System} }, func(row Row) string { return number(row.Micros) }, sizes, nil)
	r.worst(&b)
	r.memory(&b)
	r.saturation(&b)
	return b.String()
}

// rows writes a table with a line for each system's row of a name: its heading, a cell for each
// size, and what comes last, if anything.
func (r Result) rows(b *strings.Builder, columns []string, of func(Row) bool, heading func(Row) []string, cell func(Row) string, sizes []int,
	last func(Row) string) {
	rows := slices.DeleteFunc(slices.Clone(r.Rows), func(row Row) bool { return !of(row) })
	if len(rows) == 0 {
		return
	}
	head(b, columns...)
	order := func(row Row) int {
		return slices.IndexFunc(rows, func(other Row) bool { return other.Name == row.Name })
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return order(a) - order(b) })
	done := map[string]bool{}
	for _, row := range rows {
		cells := heading(row)
		key := strings.Join(cells, "|")
		if done[key] {
			continue
		}
		done[key] = true
		for _, size := range sizes {
			at, ok := r.row(row.System, row.Name, size)
			if !ok {
				cells = append(cells, "–")
				continue
			}
			cells = append(cells, cell(at))
		}
		if last != nil {
			cells = append(cells, last(row))
		}
		line(b, cells)
	}
	b.WriteString("\n")
}

// atEach reports whether a row was measured at each size.
func (r Result) atEach(row Row) bool {
	for _, size := range r.sizes() {
		if _, ok := r.row(row.System, row.Name, size); !ok {
			return false
		}
	}
	return true
}

// compared reports whether a row was measured on several systems.
func (r Result) compared(name string) bool {
	return slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Name == name && row.System != ours })
}

func (r Result) worst(b *strings.Builder) {
	head(b, "script", "its longest run", "PINGs", "µs", "µs with garbage")
	for _, w := range r.Worst {
		line(b, []string{"`" + w.Script + "`", w.Case, number(w.Pings), number(w.Micros), number(w.MedianMicros)})
	}
	b.WriteString("\n")
}

func (r Result) memory(b *strings.Builder) {
	head(b, "bytes a member", "members", "in all", "by kind of key")
	for _, m := range r.Memory {
		var kinds []string
		for _, k := range slices.Sorted(maps.Keys(m.Kinds)) {
			kinds = append(kinds, "`"+k+"` "+number(m.Kinds[k]))
		}
		line(b, []string{m.Server, thousands(m.Members), number(m.Bytes), strings.Join(kinds, ", ")})
	}
	b.WriteString("\n")
}

// saturation says what one core of the cache can do, and how a cluster spreads it.
func (r Result) saturation(b *strings.Builder) {
	head(b, "one core of the cache, a second", "one at a time", "64 at a time, in one cell")
	for _, busy := range r.Busy {
		micros := 0.0
		for _, name := range map[string][]string{steady: {steady}, denseRow: {denseRow}, matchAndEnd: {matchRow, afterRow, endRow}}[busy.Operation] {
			row, _ := r.row(ours, name, slices.Max(r.sizes()))
			micros += row.Micros
		}
		line(b, []string{busy.Operation, number(1e6 / micros), number(busy.PerSecond)})
	}
	b.WriteString("\n")
	head(b, "on a cluster", "primaries", "PINGs", "share of each primary")
	for _, c := range r.Clusters {
		var shares []string
		for _, s := range c.Shares {
			shares = append(shares, fmt.Sprintf("%.0f %%", 100*s))
		}
		line(b, []string{c.Operation, strconv.Itoa(c.Primaries), number(c.Pings), strings.Join(shares, ", ")})
	}
}

func (r Result) sizes() []int {
	var all []int
	for _, row := range r.Rows {
		all = append(all, row.Members)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// head writes the first two lines of a table.
func head(b *strings.Builder, columns ...string) {
	line(b, columns)
	line(b, slices.Repeat([]string{"---"}, len(columns)))
}

func line(b *strings.Builder, cells []string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// number writes a number with three digits, and with spaces between thousands.
func number(v float64) string {
	v = round(v)
	if v >= 1_000 {
		return thousands(int(v))
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
