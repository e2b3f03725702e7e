package protocol_test

import (
	"testing"

	"waggle/internal/protocol"
)

// BenchmarkDecode reads each golden message.
func BenchmarkDecode(b *testing.B) {
	for name := range messages() {
		text := golden(b)[name]
		route := action(b, text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, refused := protocol.Decode(route, text); refused != nil {
					b.Fatal(refused)
				}
			}
		})
	}
}

// BenchmarkEncode writes each golden frame.
func BenchmarkEncode(b *testing.B) {
	for name, frame := range frames() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				protocol.Encode(frame)
			}
		})
	}
}
