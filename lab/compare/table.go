package compare

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"waggle/lab/stats"
)

// Table formats the comparison.
func (l Comparison) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', tabwriter.AlignRight)
	row := func(name string, columns ...string) { // the name is aligned to the left
		fmt.Fprintf(w, "%-37s\t%s\t\n", name, strings.Join(columns, "\t"))
	}
	against := func(name, format string, real, made float64) {
		differs := fmt.Sprintf("%+.0f %%", 100*(made/real-1))
		if real == 0 {
			differs = ""
		}
		row(name, fmt.Sprintf(format, real), fmt.Sprintf(format, made), differs)
	}
	row("", "real", "made-up", "differs")
	against("members", "%.0f", float64(l.Real.Members), float64(l.Made.Members))
	against("members online, on average", "%.0f", mean(l.Real.Online), mean(l.Made.Online))
	against("fares", "%.0f", total(l.Real.Pickups), total(l.Made.Pickups))
	for _, p := range []float64{10, 25, 50, 75, 90, 95} {
		against(fmt.Sprintf("ride as the crow flies, p%g", p), "%.0f m", percentile(l.Real.Meters, p), percentile(l.Made.Meters, p))
	}
	for _, p := range []float64{10, 50, 90} {
		against(fmt.Sprintf("ride, p%g", p), "%.0f s", percentile(l.Real.Took, p), percentile(l.Made.Took, p))
	}
	row("parts of rides up to any length", "", "", fmt.Sprintf("at most %.1f points", l.Rides))
	row("")
	row("density, cells of 500 m", "", "made-up", "uniform")
	row("correlation with the real one", "", fmt.Sprintf("%.2f", l.Density.Correlation), fmt.Sprintf("%.2f", l.Uniform.Correlation))
	row("overlap with the real one", "", fmt.Sprintf("%.0f %%", l.Density.Overlap), fmt.Sprintf("%.0f %%", l.Uniform.Overlap))
	row("where the town has no street", fmt.Sprintf("%.1f %%", l.Outside), "", "")
	for _, s := range l.Furthest {
		lat, lng := s.Cell.centre()
		points(row, fmt.Sprintf("it differs most at %.4f, %.4f", lat, lng), s.Real, s.Made)
	}
	row("")
	row("fares by the hour", "real", "made-up", "differs")
	real, made := Parts(l.Real.Pickups), Parts(l.Made.Pickups)
	for h := range 24 {
		points(row, fmt.Sprintf("%02d:00", h), real[h], made[h])
	}
	_ = w.Flush() // a strings.Builder never fails
	return regexp.MustCompile(" +\n").ReplaceAllString(b.String(), "\n")
}

func points(row func(string, ...string), name string, real, made float64) {
	row(name, fmt.Sprintf("%.1f %%", real), fmt.Sprintf("%.1f %%", made), fmt.Sprintf("%+.1f points", made-real))
}

func total(hours [24]int) float64 {
	all := 0
	for _, n := range hours {
		all += n
	}
	return float64(all)
}

func mean(hours [24]float64) float64 {
	all := 0.0
	for _, v := range hours {
		all += v
	}
	return all / 24
}

// percentile returns a percentile by nearest rank, or 0 of nothing.
func percentile(values []float64, percent float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return stats.Percentile(slices.Sorted(slices.Values(values)), percent)
}
