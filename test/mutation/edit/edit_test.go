package edit

import "testing"

func TestEditsMayNest(t *testing.T) {
	text := Text{Source: "a+b == c"}
	if text.String() != text.Source {
		t.Errorf("without edits: got %s", text.String())
	}
	text.Wrap(0, 8, "(", ")")
	text.Wrap(0, 8, "[", "]")
	text.Replace(1, 2, "-")
	text.Wrap(0, 3, "{", "}")
	text.Wrap(0, 1, "<", ">")
	text.Wrap(2, 3, "<", ">")
	text.Wrap(7, 8, "<", ">")
	if got, want := text.String(), "([{<a>-<b>} == <c>])"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
