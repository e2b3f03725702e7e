package kit

import "testing"

func TestTheCommandRepeatsTheTest(t *testing.T) {
	t.Setenv("WAGGLE_SOAK", "")
	if got, want := command("TestX/redis", 7), "WAGGLE_SEED=7 go test -run '^TestX$/^redis$' ./test/kit"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	t.Setenv("WAGGLE_SOAK", "1")
	if got, want := command("TestX", 7), "WAGGLE_SOAK=1 WAGGLE_SEED=7 go test -run '^TestX$' ./test/kit"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSeedIsTheOneInTheEnvironment(t *testing.T) {
	t.Setenv("WAGGLE_SOAK", "")
	t.Setenv("WAGGLE_SEED", "")
	if got := Seed(t); got != 1 {
		t.Errorf("without WAGGLE_SEED: got %d, want 1", got)
	}
	t.Setenv("WAGGLE_SEED", "18446744073709551615")
	if got := Seed(t); got != 1<<64-1 {
		t.Errorf("got %d, want WAGGLE_SEED", got)
	}
	if a, b, c := Random(t, 1).Uint64(), Random(t, 1).Uint64(), Random(t, 2).Uint64(); a != b || a == c {
		t.Errorf("got %d and %d for one part, want the same; got %d for another, want a different one", a, b, c)
	}
}
