package evaluate

import (
	"fmt"
	"time"

	"waggle/clients/go/waggle"
	"waggle/internal/match"
	"waggle/internal/pool"
)

// A rule says when a report is due after the last one. A zero asks for nothing.
type rule struct {
	after   time.Duration
	move    float64 // metres from the last report
	deviate float64 // metres from where the last report predicts the member
}

// due reports whether a member whose last report was this one must report what it is now.
func (r rule) due(last, now waggle.Fix) bool {
	return r.after > 0 && now.At-last.At >= r.after.Milliseconds() ||
		r.move > 0 && still(last).Deviation(now) >= r.move ||
		r.deviate > 0 && last.Deviation(now) > r.deviate
}

// still returns a fix that predicts that the member stays.
func still(f waggle.Fix) waggle.Fix {
	f.Motion = waggle.Motion{}
	return f
}

// report returns the seconds of a track in which the rule has the member report.
func (r rule) report(t *track) []int {
	reports := []int{0}
	last := t.fix(0)
	for i := 1; i < len(t.seconds); i++ {
		if now := t.fix(i); r.due(last, now) {
			reports, last = append(reports, i), now
		}
	}
	return reports
}

// A policy is a way to decide when to report.
type policy struct {
	name, family  string
	watched, idle rule
	predicts      bool    // the watcher moves the member on by its last report
	bound         float64 // metres, of the fewest straight pieces; 0: the policy has rules
}

// The families of policies, in the order in which they are shown.
const (
	fixed     = "fixed"
	distance  = "distance"
	today     = "today"
	deviate   = "deviate"
	hindsight = "hindsight"
)

// policies returns all policies. Those that ask for a distance or a deviation have members
// report at least as often as keepAlive, so that nobody becomes stale; 0: they do not.
func policies(keepAlive time.Duration) []policy {
	var all []policy
	bounds := []float64{10, 15, 20, 30, 50, 75, 100}
	add := func(p policy) { all = append(all, p) }
	for _, s := range []int{1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 45, 60} {
		r := rule{after: time.Duration(s) * time.Second}
		add(policy{name: fmt.Sprintf("%s-%ds", fixed, s), family: fixed, watched: r, idle: r})
	}
	for _, m := range []float64{5, 10, 15, 20, 30, 50, 75, 100, 150, 200} {
		r := rule{after: keepAlive, move: m}
		add(policy{name: fmt.Sprintf("%s-%gm", distance, m), family: distance, watched: r, idle: r})
	}
	add(policy{name: today, family: today, watched: advised(match.Watched), idle: advised(match.Available)})
	for _, m := range bounds {
		r := rule{after: keepAlive, deviate: m}
		add(policy{name: fmt.Sprintf("%s-%gm", deviate, m), family: deviate, watched: r, idle: r, predicts: true})
	}
	for _, m := range bounds {
		add(policy{name: fmt.Sprintf("%s-%gm", hindsight, m), family: hindsight, bound: m})
	}
	return all
}

// advised returns what the server advises, in a pool with the usual settings.
func advised(a match.Advice) rule {
	r := a.Report(pool.Default(), 0)
	return rule{after: time.Duration(r.AfterSeconds * float64(time.Second)), move: r.MoveMeters}
}
