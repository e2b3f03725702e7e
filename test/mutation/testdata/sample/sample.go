// Package sample is mutated by the tests of package mutation.
package sample

// Grade has no test for a score of exactly 50.
func Grade(score int) string {
	if score > 50 {
		return "good"
	}
	return "bad"
}

// Untested has no test at all.
func Untested(n int) int { return n + 1 }
