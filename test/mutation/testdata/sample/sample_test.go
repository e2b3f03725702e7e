package sample

import "testing"

func TestGrade(t *testing.T) {
	for score, want := range map[int]string{70: "good", 30: "bad"} {
		t.Run(want, func(t *testing.T) {
			if got := Grade(score); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}
