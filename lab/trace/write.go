package trace

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
)

// A Writer writes a trace in the format that Read reads.
type Writer struct {
	buffer *bufio.Writer
	ends   []io.Closer // in the order in which Close closes them
	line   []byte
}

// NewWriter writes to w. Close does not close w.
func NewWriter(w io.Writer) *Writer {
	out := &Writer{buffer: bufio.NewWriterSize(w, 1<<16)}
	_, _ = out.buffer.WriteString(Columns + "\n") // Close returns the error
	return out
}

// Create creates a file, gzipped if its name ends in .gz, or overwrites it.
func Create(name string) (*Writer, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(name, ".gz") {
		w := NewWriter(f)
		w.ends = []io.Closer{f}
		return w, nil
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	w := NewWriter(z)
	w.ends = []io.Closer{z, f}
	return w, nil
}

// Write adds a row. Places are rounded to 11 cm.
func (w *Writer) Write(r Row) error {
	b := strconv.AppendInt(w.line[:0], r.Unix, 10)
	b = append(append(append(b, ','), r.Cab...), ',')
	b = append(strconv.AppendFloat(b, r.Lat, 'f', 6, 64), ',')
	b = append(strconv.AppendFloat(b, r.Lng, 'f', 6, 64), ',')
	if r.Occupied {
		b = append(b, '1', '\n')
	} else {
		b = append(b, '0', '\n')
	}
	w.line = b
	_, err := w.buffer.Write(b)
	return err
}

// Close writes the rest, and returns all errors of writing.
func (w *Writer) Close() error {
	err := w.buffer.Flush()
	for _, e := range w.ends {
		err = errors.Join(err, e.Close())
	}
	return err
}
