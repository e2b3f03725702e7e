package record

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// longest is the longest line: a frame of 128 KB, with each byte escaped.
	longest = 1 << 20
	// disorder is how much later in the record an event may be than its time: many members
	// note events at once, and wait for each other.
	disorder = 5 * time.Second
)

// A Reader reads a record line by line.
type Reader struct {
	Header Header

	in     *bufio.Reader
	line   int
	newest int64
	cut    string
	done   bool
}

// NewReader reads the header, of a record gzipped or not.
func NewReader(r io.Reader) (*Reader, error) {
	b := bufio.NewReaderSize(r, longest)
	if magic, err := b.Peek(2); err == nil && string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("line 1: the gzip data is damaged at its beginning: %w", err)
		}
		b = bufio.NewReaderSize(z, longest)
	}
	read := &Reader{in: b}
	line, err := read.next()
	switch {
	case err == io.EOF && read.cut == "":
		return nil, fmt.Errorf("the record is empty: its first line must be %s", wanted)
	case err == io.EOF:
		return nil, fmt.Errorf("the record is cut off %s: its first line must be %s", read.cut, wanted)
	case err != nil:
		return nil, err
	}
	var shape struct {
		Version *int `json:"waggleRecord"`
	}
	if json.Unmarshal(line, &shape) != nil || shape.Version == nil {
		return nil, fmt.Errorf("line 1: this is not the record of a replay: it must be %s, and is %.60q", wanted, line)
	}
	if *shape.Version != Version {
		return nil, fmt.Errorf("line 1: the record has format %d, and this program reads format %d", *shape.Version, Version)
	}
	if err := json.Unmarshal(line, &read.Header); err != nil {
		return nil, fmt.Errorf("line 1: %s", explain(err))
	}
	return read, read.Header.check()
}

const wanted = `{"waggleRecord":1,"from":…,"to":…,"speed":…}`

func (h Header) check() error {
	switch {
	case h.From < 0 || h.To <= h.From:
		return fmt.Errorf("line 1: from %d, to %d: they must be Unix seconds, the later one last", h.From, h.To)
	case h.Ahead < 0:
		return fmt.Errorf("line 1: ahead %d must not be below 0", h.Ahead)
	case !(h.Speed > 0):
		return fmt.Errorf("line 1: speed %g must be above 0", h.Speed)
	case !(h.LocationTTL > 0):
		return fmt.Errorf("line 1: locationTTL %g must be the pool's, in seconds above 0", h.LocationTTL)
	case h.Passengers == "" || h.Probes == "":
		return errors.New("line 1: passengers and probes must say what their names begin with")
	}
	return nil
}

// Next reads the next event. It returns io.EOF at the end. Then Whole and Cut tell whether
// the record is complete.
func (r *Reader) Next() (Event, error) {
	line, err := r.next()
	if err != nil {
		return Event{}, err
	}
	var e Event
	if err := json.Unmarshal(line, &e); err != nil {
		return Event{}, fmt.Errorf(`line %d: %s; a line is {"t":…,"e":"sent","m":…,"f":{…}}`, r.line, explain(err))
	}
	switch {
	case !e.Kind.known():
		return Event{}, fmt.Errorf("line %d: e is %q, which is not a kind of event: sent, received, connected, lost, closed, called, failed, "+
			"started, played, interrupted and done are", r.line, e.Kind)
	case e.Micros <= 0:
		return Event{}, fmt.Errorf("line %d: t is %d: it must be microseconds since 1970", r.line, e.Micros)
	case e.Micros < r.newest-disorder.Microseconds():
		return Event{}, fmt.Errorf("line %d: t is %v before an earlier line's: a record is in the order of time",
			r.line, time.Duration(r.newest-e.Micros)*time.Microsecond)
	case e.Member == "" && (e.Kind == Sent || e.Kind == Received):
		return Event{}, fmt.Errorf("line %d: m, the member, is missing", r.line)
	}
	r.newest = max(r.newest, e.Micros)
	r.done = e.Kind == Done
	return e, nil
}

// Line returns the number of the last line read.
func (r *Reader) Line() int { return r.line }

// Cut says where the record is cut off in the middle of a line or of its gzip data; "": it
// is not.
func (r *Reader) Cut() string { return r.cut }

// Whole tells whether the record's own last line was read.
func (r *Reader) Whole() bool { return r.done }

// next reads a line, without its end.
func (r *Reader) next() ([]byte, error) {
	if r.cut != "" {
		return nil, io.EOF
	}
	line, err := r.in.ReadSlice('\n')
	switch {
	case err == nil:
		r.line++
		return bytes.TrimRight(line, "\r\n"), nil
	case err == io.EOF && len(line) == 0:
		return nil, io.EOF
	case err == io.EOF:
		r.cut = fmt.Sprintf("in the middle of line %d", r.line+1)
		return nil, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		r.cut = fmt.Sprintf("after line %d, in the middle of its gzip data", r.line)
		return nil, io.EOF
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("line %d: it is longer than %d bytes, and a frame is not", r.line+1, longest)
	}
	return nil, fmt.Errorf("line %d: the gzip data is damaged: %w", r.line+1, err)
}

// explain describes an error of a line, without Go's names.
func explain(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Sprintf("%s must not be a %s", kind.Field, kind.Value)
	}
	return "it is not JSON: " + err.Error()
}
