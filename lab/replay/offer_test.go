package replay_test

import (
	"fmt"
	"testing"

	"waggle/lab/replay"
)

// What a cab answers a passenger depends on nothing but the seed, and the shares are about as asked.
func TestADriverAnswersTheSamePassengerTheSame(t *testing.T) {
	d := replay.Drivers{Seed: 7, Decline: 0.2, Silent: 0.1}
	counts := map[replay.Answer]int{}
	for i := range 10_000 {
		passenger := fmt.Sprint(i)
		a := d.Answer(passenger, "cab")
		if a != d.Answer(passenger, "cab") {
			t.Fatalf("passenger %d gets two answers", i)
		}
		counts[a]++
	}
	if n := counts[replay.Declines]; n < 1800 || n > 2200 {
		t.Errorf("%d of 10000 decline, want about 2000", n)
	}
	if n := counts[replay.Ignores]; n < 850 || n > 1150 {
		t.Errorf("%d of 10000 do not answer, want about 1000", n)
	}
}
