package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// A status is what came of trying.
type status string

// The ways a try can end.
const (
	holds   status = "holds"
	differs status = "differs"
	untried status = "not tried"
)

// A finding is one row of the report.
type finding struct {
	fact, found string
	status      status
}

func (f finding) String() string { return fmt.Sprintf("%-9s  %s: %s", f.status, f.fact, f.found) }

// A report is what docs/verified.md says.
type report struct {
	region    string
	date      time.Time
	findings  []finding
	destroyed bool
}

func (r *report) add(f finding) { r.findings = append(r.findings, f) }

func (r *report) summary() string {
	count := map[status]int{}
	for _, f := range r.findings {
		count[f.status]++
	}
	return fmt.Sprintf("%d hold, %d differ, %d not tried", count[holds], count[differs], count[untried])
}

// write writes the report. What differs has to be mended in docs/aws-behaviour.md and
// in the local stack.
func (r *report) write(place string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Verified on AWS\n\nWritten by `make verify-aws` in %s on %s: %s.", r.region, r.date.UTC().Format("2 January 2006"), r.summary())
	if !r.destroyed {
		b.WriteString(" It did not come to its end.")
	}
	b.WriteString("\n\nWhat differs has to be put right in [aws-behaviour.md](aws-behaviour.md) and in the local stack.\n\n")
	b.WriteString("| fact | region | date | result | found |\n|---|---|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, f := range r.findings {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", cell.Replace(f.fact), r.region, r.date.UTC().Format(time.DateOnly), f.status, cell.Replace(f.found))
	}
	return os.WriteFile(place, []byte(b.String()), 0o644)
}
