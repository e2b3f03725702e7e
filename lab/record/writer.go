package record

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// flushEvery is how much of the record is missing at most after the replay is killed.
	flushEvery = time.Second
	// enough is how many bytes wake the goroutine that writes.
	enough = 256 << 10
)

// A Writer writes a record during a replay. Its methods only add a line in memory, so that
// a slow disk does not delay the replay. Several goroutines may use it at the same time.
// A nil Writer does nothing.
type Writer struct {
	mu      sync.Mutex
	pending []byte
	lines   int64
	newest  int64 // time of an event
	closing bool
	err     error // after an error nothing more is written

	wake    chan struct{} // holds a token when there is enough to write, and at the end
	written chan struct{} // closed when all is written
}

// Create creates the file, gzipped if its name ends in .gz, and writes the header.
func Create(name string, h Header) (*Writer, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return NewWriter(f, strings.HasSuffix(name, ".gz"), h), nil
}

// NewWriter writes to out, which Close closes.
func NewWriter(out io.WriteCloser, zip bool, h Header) *Writer {
	h.Version = Version
	w := &Writer{newest: 1, lines: 1, wake: make(chan struct{}, 1), written: make(chan struct{}), pending: append(encode(h), '\n')}
	go w.write(out, zip)
	return w
}

// Frame adds a frame. The caller may change its bytes afterwards.
func (w *Writer) Frame(micros int64, k Kind, member string, raw []byte) {
	if w == nil {
		return
	}
	name, line := encode(member), json.Valid(raw) && !bytes.ContainsAny(raw, "\n\r")
	key := "f"
	if !line {
		key, raw = "x", encode(string(raw))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(micros, k)
	w.field("m", name)
	w.field(key, raw)
	w.end()
}

// Note adds an event that is not a frame. member and code may be "".
func (w *Writer) Note(micros int64, k Kind, member, code string) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(micros, k)
	if member != "" {
		w.field("m", encode(member))
	}
	if code != "" {
		w.field("code", encode(code))
	}
	w.end()
}

// Lines returns the number of lines so far.
func (w *Writer) Lines() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines
}

// Close ends the record, and waits until it is written. It returns all errors of writing.
func (w *Writer) Close() error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	w.begin(w.newest, Done)
	w.end()
	w.closing = true
	w.mu.Unlock()
	w.signal()
	<-w.written
	return w.err
}

// begin, field and end build a line. The caller holds w.mu.
func (w *Writer) begin(micros int64, k Kind) {
	w.newest = max(w.newest, micros)
	w.pending = append(w.pending, `{"t":`...)
	w.pending = strconv.AppendInt(w.pending, micros, 10)
	w.field("e", encode(k))
}

func (w *Writer) field(name string, value []byte) {
	w.pending = append(w.pending, `,"`...)
	w.pending = append(w.pending, name...)
	w.pending = append(w.pending, `":`...)
	w.pending = append(w.pending, value...)
}

func (w *Writer) end() {
	w.pending = append(w.pending, '}', '\n')
	w.lines++
	if w.err != nil {
		w.pending = w.pending[:0] // it will never be written
	}
	if len(w.pending) >= enough {
		w.signal()
	}
}

func (w *Writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// write writes the pending lines to the file until Close.
func (w *Writer) write(out io.WriteCloser, zip bool) {
	defer close(w.written)
	var to io.Writer = out
	var zipped *gzip.Writer
	if zip {
		zipped, _ = gzip.NewWriterLevel(out, gzip.BestSpeed) // it fails only for an unknown level
		to = zipped
	}
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	var spare []byte
	for closing := false; !closing; {
		flush := false
		select {
		case <-w.wake:
		case <-tick.C:
			flush = true
		}
		w.mu.Lock()
		lines := w.pending
		w.pending, closing = spare[:0], w.closing
		w.mu.Unlock()
		_, err := to.Write(lines)
		if err == nil && flush && zip {
			err = zipped.Flush()
		}
		spare = lines
		w.fail(err)
	}
	if zip {
		w.fail(zipped.Close())
	}
	w.fail(out.Close())
}

func (w *Writer) fail(err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = fmt.Errorf("write the record: %w", err)
	} else if !errors.Is(w.err, err) {
		w.err = errors.Join(w.err, err)
	}
}

// encode encodes a string or a header, which never fails.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a header with NaN, which the flags refuse
	}
	return b
}
