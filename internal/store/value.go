package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// The scripts write single values in forms of their own, which these types read.

// number reads a number, or the text of one.
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "" || text == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	*n = number(f)
	return err
}

// shortCell reads a cell in its short form.
type shortCell geo.Cell

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *shortCell) UnmarshalText(text []byte) error {
	cell, err := Cell(string(text))
	*c = shortCell(cell)
	return err
}

// degrees reads a coordinate in its short form.
type degrees float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *degrees) UnmarshalText(text []byte) error {
	f, err := Degrees(string(text))
	*d = degrees(f)
	return err
}

// change reads a change of the index: "unlist cell epoch", or "list" or "move" with these and with
// what is known of the member.
type change match.Change

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *change) UnmarshalText(text []byte) (err error) {
	words := strings.SplitN(string(text), " ", 10)
	if c.List = len(words) == 10; !c.List && len(words) != 3 {
		return fmt.Errorf("a change of %d words", len(words))
	}
	for i, number := range [...]*int64{2: &c.Epoch, 5: &c.At, 6: &c.Seq, 7: &c.Heard, 8: &c.Session} {
		if number == nil || i >= len(words) {
			continue
		}
		if *number, err = strconv.ParseInt(words[i], 10, 64); err != nil {
			return err
		}
	}
	if c.List {
		c.Moved, c.Tags = words[0] == "move", words[9]
		if c.Lat, err = Degrees(words[3]); err != nil {
			return err
		}
		if c.Lng, err = Degrees(words[4]); err != nil {
			return err
		}
	}
	c.Cell, err = Cell(words[1])
	return err
}

// widening writes and reads how a circle widens: "from to over" in metres and milliseconds, "" if it
// does not.
type widening match.Widening

func (w widening) text() string {
	if w == (widening{}) {
		return ""
	}
	return decimal(w.From) + " " + decimal(w.To) + " " + millis(w.Over)
}

// MarshalText implements encoding.TextMarshaler.
func (w widening) MarshalText() ([]byte, error) { return []byte(w.text()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *widening) UnmarshalText(text []byte) error {
	over := int64(0)
	_, err := fmt.Sscan(string(text), &w.From, &w.To, &over)
	w.Over = time.Duration(over) * time.Millisecond
	return err
}

// flag reads a boolean, or "1" and "0".
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	text := string(b)
	*f = text == "true" || text == `"1"`
	return nil
}
