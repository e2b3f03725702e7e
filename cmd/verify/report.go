package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// A status is the result of a check.
type status string

// The results.
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

// A report is the content of docs/verified.md.
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

// write writes the report to a file.
func (r *report) write(file string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Verified on AWS\n\nWritten by `make verify-aws` in %s on %s: %s.", r.region, r.date.UTC().Format("2 January 2006"), r.summary())
	if !r.destroyed {
		b.WriteString(" The run was incomplete.")
	}
	b.WriteString("\n\nCorrect [aws-behaviour.md](aws-behaviour.md) and the local stack where a fact differs.\n\n")
	b.WriteString("| fact | region | date | result | found |\n|---|---|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, f := range r.findings {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", cell.Replace(f.fact), r.region, r.date.UTC().Format(time.DateOnly), f.status, cell.Replace(f.found))
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}
