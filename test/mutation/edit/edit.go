// Package edit puts text into a source at places that may nest. Every line of the source
// keeps its number.
package edit

import (
	"cmp"
	"slices"
	"strings"
)

// A Text is a source with its edits. The zero value is an empty source.
type Text struct {
	Source string
	edits  []edit
}

// An edit puts text in place of Source[from:to].
type edit struct {
	from, to int
	text     string
	order    int // among the edits of one place
}

// Wrap puts text before and after Source[from:to]. If two wraps share an end, the later
// one is inside.
func (t *Text) Wrap(from, to int, before, after string) {
	n := 1 + len(t.edits)
	t.edits = append(t.edits, edit{from, from, before, n}, edit{to, to, after, -n})
}

// Replace puts text in place of Source[from:to]. No other edit may lie within.
func (t *Text) Replace(from, to int, text string) {
	t.edits = append(t.edits, edit{from, to, text, 0})
}

// String returns the source with all edits.
func (t *Text) String() string {
	edits := slices.Clone(t.edits)
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Or(a.from-b.from, a.order-b.order) })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(t.Source[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	b.WriteString(t.Source[at:])
	return b.String()
}
