package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A Result is what a run has shown.
type Result struct {
	Config      Config
	Interrupted bool
	First       Phase // until the warm-up has ended: its connects are those of the start
	Phases      []Phase
	Usage       []Usage // at the start, after the warm-up, at the end, and when all is closed
	Series      []Usage // in between, after the warm-up
	Back        Spread  // from the cut of all connections to a member's welcome
	BackMax     time.Duration
	Told        int // members who were notified that their match or request is over
	Lost        []string
}

// A Phase is a time with one rate of reports.
type Phase struct {
	Offered float64 // reports a second
	Took    time.Duration
	Cores   float64 // that the server used; 0: not known
	// Of the reports Sent, InTime were acknowledged before the end of the phase.
	Sent, Acknowledged, InTime, NoAnswer int
	Refused                              map[string]int // messages of all kinds, by code
	Late                                 time.Duration  // how far the sender was behind its rate, at most

	Requests, Matched, NoMatch, Unanswered int
	AllAsking                              int // requests not made, since all askers were busy

	Times [latencies]Spread
}

func (r *runner) result(interrupted bool) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	result := Result{Config: r.Config, Interrupted: interrupted, First: r.first.phase(), Usage: r.usage, Series: r.series,
		Back: spreadOf(r.back), Told: r.told, Lost: r.lost}
	if len(r.back) > 0 {
		result.BackMax = slices.Max(r.back)
	}
	for _, t := range r.phases {
		result.Phases = append(result.Phases, t.phase())
	}
	return result
}

// String formats the result as tables.
func (r Result) String() string {
	var b strings.Builder
	c := r.Config
	fmt.Fprintf(&b, "%d connections: %d follow %d others, %d wait for somebody who does not come, %d ask, %d only report\n\n",
		c.Connections, c.Follows, c.Follows, c.Waiting, c.Askers, c.reporters()-c.Follows)
	if len(c.Ramp) > 0 {
		r.ramp(&b)
	} else if len(r.Phases) == 1 {
		r.counts(&b, r.Phases[0])
		r.latencies(&b, r.Phases[0])
	}
	r.used(&b)
	if len(c.Ramp) == 0 {
		fmt.Fprintf(&b, "%s\n", Flat(r.Series))
	}
	if r.Back.N > 0 {
		fmt.Fprintf(&b, "All connections were cut at once. %d of %d members are back, half of them after %v, 95 %% after %v, the last after %v.\n",
			r.Back.N, c.Connections, r.Back.P50.Round(time.Millisecond), r.Back.P95.Round(time.Millisecond), r.BackMax.Round(time.Millisecond))
	}
	fmt.Fprintf(&b, "Lost members: %d. Members notified that their match or request was over: %d.\n", len(r.Lost), r.Told)
	for i, lost := range r.Lost {
		if i == 10 {
			fmt.Fprintf(&b, "  and %d more\n", len(r.Lost)-i)
			break
		}
		fmt.Fprintf(&b, "  %s\n", lost)
	}
	return b.String()
}

func table(b *strings.Builder, rows func(row func(cells ...any))) {
	w := tabwriter.NewWriter(b, 0, 0, 3, ' ', tabwriter.AlignRight)
	rows(func(cells ...any) {
		for _, cell := range cells {
			fmt.Fprintf(w, "%v\t", cell)
		}
		fmt.Fprintln(w)
	})
	_ = w.Flush() // a strings.Builder never fails
	b.WriteString("\n")
}

func (r Result) counts(b *strings.Builder, p Phase) {
	rate := func(n int) string { return fmt.Sprintf("%d (%.1f a second)", n, float64(n)/p.Took.Seconds()) }
	fmt.Fprintf(b, "in %v, after %v of warm-up\n", p.Took.Round(time.Second), r.Config.WarmUp)
	fmt.Fprintf(b, "reports    %s; acknowledged %s; %d without an answer\n", rate(p.Sent), rate(p.Acknowledged), p.NoAnswer)
	fmt.Fprintf(b, "pushes     %s at followers\n", rate(p.Times[pushes].N))
	fmt.Fprintf(b, "requests   %s: %d matched, %d no match, %d unanswered; %d not made, since all askers were busy\n",
		rate(p.Requests), p.Matched, p.NoMatch, p.Unanswered, p.AllAsking)
	fmt.Fprintf(b, "refused    %s\n", byCode(p.Refused))
	fmt.Fprintf(b, "the sender was late by %v at most\n\n", p.Late.Round(time.Millisecond))
}

func byCode(refused map[string]int) string {
	if len(refused) == 0 {
		return "none"
	}
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(refused)) {
		parts = append(parts, fmt.Sprintf("%d × %s", refused[code], code))
	}
	return strings.Join(parts, ", ")
}

func (r Result) latencies(b *strings.Builder, p Phase) {
	floor := p.Times[echoes]
	table(b, func(row func(...any)) {
		row("latency, ms", "p50", "p95", "p99", "× echo at p50", "times")
		for _, l := range []struct {
			name string
			s    Spread
		}{{"bare echo", floor}, {"report → ack", p.Times[acks]}, {"report → push", p.Times[pushes]},
			{"match → matched", p.Times[matches]}, {"connect → open", r.First.Times[connects]}} {
			if l.s.N > 0 {
				row(l.name, millis(l.s.P50), millis(l.s.P95), millis(l.s.P99), fmt.Sprintf("%.0f", float64(l.s.P50)/float64(floor.P50)), l.s.N)
			}
		}
	})
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

// ramp has a row for each rate.
func (r Result) ramp(b *strings.Builder) {
	table(b, func(row func(...any)) {
		row("offered/s", "acked/s", "acked", "refused", "no answer", "ack p50, ms", "p95", "p99", "matched", "echo p50", "cores")
		for _, p := range r.Phases {
			refused := 0
			for _, n := range p.Refused {
				refused += n
			}
			a := p.Times[acks]
			row(fmt.Sprintf("%.0f", p.Offered), fmt.Sprintf("%.0f", float64(p.InTime)/p.Took.Seconds()),
				fmt.Sprintf("%.0f %%", 100*float64(p.Acknowledged)/float64(max(p.Sent, 1))), refused, p.NoAnswer,
				millis(a.P50), millis(a.P95), millis(a.P99), fmt.Sprintf("%d of %d", p.Matched, p.Requests), millis(p.Times[echoes].P50), fmt.Sprintf("%.2f", p.Cores))
		}
	})
	for _, p := range r.Phases {
		fmt.Fprintf(b, "%.0f/s, refused: %s\n", p.Offered, byCode(p.Refused))
	}
	b.WriteString("\n")
}

// used has a column for each moment.
func (r Result) used(b *strings.Builder) {
	table(b, func(row func(...any)) {
		head := []any{"server"}
		for _, u := range r.Usage {
			head = append(head, u.When)
		}
		row(head...)
		for _, m := range measures() {
			cells, any := []any{m.name}, false
			for _, u := range r.Usage {
				if v := m.of(u); v != nil {
					cells, any = append(cells, fmt.Sprintf("%.0f", *v/m.unit)), true
				} else {
					cells = append(cells, "–")
				}
			}
			if any {
				row(cells...)
			}
		}
		cells, any := []any{"cores in use before"}, false
		for i, u := range r.Usage {
			cell := "–"
			if i > 0 && u.CPU != nil {
				cell, any = fmt.Sprintf("%.2f", cores(r.Usage[i-1], u)), true
			}
			cells = append(cells, cell)
		}
		if any {
			row(cells...)
		}
	})
}

// Wrong lists what is wrong.
func (r Result) Wrong() []string {
	var wrong []string
	if len(r.Lost) > 0 {
		wrong = append(wrong, fmt.Sprintf("%d members are lost", len(r.Lost)))
	}
	return wrong
}
