package town

import "testing"

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New()
	}
}

func BenchmarkStep(b *testing.B) {
	m := New().Member(1, 1, 0)
	for b.Loop() {
		m.Step()
	}
}
