// Package splice puts text into a source at places that nest, and leaves everything
// else where it is, line by line.
package splice

import (
	"cmp"
	"slices"
	"strings"
)

// A Text is a source and what is to be done to it. The zero value is an empty one.
type Text struct {
	Source string
	edits  []edit
}

// An edit puts text in place of Source[from:to].
type edit struct {
	from, to int
	text     string
	order    int // among those of one place
}

// Wrap puts text before and after Source[from:to]. What is wrapped later lies within
// what was before, where they share an end.
func (t *Text) Wrap(from, to int, before, after string) {
	n := 1 + len(t.edits)
	t.edits = append(t.edits, edit{from, from, before, n}, edit{to, to, after, -n})
}

// Replace puts text in place of Source[from:to], in which nothing else may be done.
func (t *Text) Replace(from, to int, text string) {
	t.edits = append(t.edits, edit{from, to, text, 0})
}

// Edited tells whether there is anything to do.
func (t *Text) Edited() bool { return len(t.edits) > 0 }

// String returns the source with all of that done.
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
