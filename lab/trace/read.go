// Package trace reads and writes traces: recorded movements of cabs. Cut takes from one
// the reports and fares that a replay plays.
package trace

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Columns are the columns of a trace. They may be in any order, among other columns.
const Columns = "unix_s,cab,lat,lng,occupied"

// A Row is one report of a cab.
type Row struct {
	Unix     int64 // seconds
	Cab      string
	Lat, Lng float64 // degrees; see Located
	Occupied bool    // it has a fare
}

// Located tells whether the row has a possible place. Some receivers report impossible
// ones.
func (r Row) Located() bool {
	return math.Abs(r.Lat) <= 85 && math.Abs(r.Lng) <= 180 // false for NaN too
}

// Read reads a trace: CSV, gzipped or not, with a header that has Columns, sorted by time.
// An error names the line and what it must be.
func Read(r io.Reader) ([]Row, error) {
	plain, err := unzip(r)
	if err != nil {
		return nil, err
	}
	c := csv.NewReader(plain)
	c.ReuseRecord = true
	header, err := c.Read()
	if err == io.EOF {
		return nil, fmt.Errorf("the trace is empty: its first line must be %s", Columns)
	}
	if len(header) > 0 && strings.HasPrefix(header[0], "\ufeff") {
		return nil, errors.New("line 1 begins with a byte order mark: save the trace as UTF-8 without one")
	}
	if err != nil {
		return nil, readError(err, 0)
	}
	columns, err := find(header)
	if err != nil {
		return nil, err
	}
	line := 1
	nowhere, first := 0, 0 // rows without a possible place, and the line of the first one
	var rows []Row
	names := map[string]string{} // one string for each cab
	for {
		record, err := c.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, readError(err, line)
		}
		line, _ = c.FieldPos(0)
		row, err := columns.row(record, names)
		if err == nil && len(rows) > 0 && row.Unix < rows[len(rows)-1].Unix {
			err = fmt.Errorf("unix_s %d comes after %d: rows must be sorted by time", row.Unix, rows[len(rows)-1].Unix)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		rows = append(rows, row)
		if !row.Located() {
			if nowhere++; nowhere == 1 {
				first = line
			}
		}
	}
	if len(rows) == 0 {
		return nil, errors.New("the trace has a header but no rows")
	}
	if nowhere > len(rows)/2 {
		return nil, fmt.Errorf("%d of %d rows have no possible place, the first in line %d: lat must be from -85 to 85, and lng from -180 to 180; are the two swapped?",
			nowhere, len(rows), first)
	}
	return rows, nil
}

// unzip recognizes gzip by its first two bytes, whatever the name of the file.
func unzip(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(2)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if string(magic) != "\x1f\x8b" {
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, readError(err, 0)
	}
	return z, nil
}

// readError describes an error after the last line that was read.
func readError(err error, line int) error {
	var parse *csv.ParseError
	var damaged flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("after line %d the gzip data is cut off: the file is incomplete, fetch it again", line)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &damaged):
		return fmt.Errorf("after line %d the gzip data is damaged, fetch the file again: %w", line, err)
	case errors.As(err, &parse) && errors.Is(parse.Err, csv.ErrFieldCount):
		return fmt.Errorf("line %d: it has not as many fields as the header: each row must have all columns", parse.Line)
	case errors.As(err, &parse):
		return fmt.Errorf("line %d: %w: it must be CSV, with commas between the fields", parse.Line, parse.Err)
	}
	return err
}

// latest is the latest second of a trace, in the year 5138. A time of today in
// milliseconds is later.
const latest = 100_000_000_000

// columns are the positions of the fields in a record.
type columns struct{ unix, cab, lat, lng, occupied int }

func find(header []string) (columns, error) {
	var missing []string
	var twice string
	at := func(name string) int {
		i := slices.Index(header, name)
		if i < 0 {
			missing = append(missing, name)
		} else if slices.Contains(header[i+1:], name) {
			twice = name
		}
		return i
	}
	c := columns{at("unix_s"), at("cab"), at("lat"), at("lng"), at("occupied")}
	if len(missing) > 0 {
		return c, fmt.Errorf("line 1: no column %s: the header must have %s, it is %q",
			strings.Join(missing, ", "), Columns, strings.Join(header, ","))
	}
	if twice != "" {
		return c, fmt.Errorf("line 1: the column %s is there more than once", twice)
	}
	return c, nil
}

func (c columns) row(record []string, names map[string]string) (Row, error) {
	row := Row{}
	var err error
	if row.Unix, err = strconv.ParseInt(record[c.unix], 10, 64); err != nil {
		return row, fmt.Errorf("unix_s %q is not a whole number of seconds since 1970", record[c.unix])
	}
	if row.Unix < 0 || row.Unix > latest {
		return row, fmt.Errorf("unix_s %d must be seconds since 1970, from 0 to %d, and not milliseconds", row.Unix, int64(latest))
	}
	if row.Lat, err = strconv.ParseFloat(record[c.lat], 64); err != nil {
		return row, fmt.Errorf("lat %q is not a number of degrees", record[c.lat])
	}
	if row.Lng, err = strconv.ParseFloat(record[c.lng], 64); err != nil {
		return row, fmt.Errorf("lng %q is not a number of degrees", record[c.lng])
	}
	switch record[c.occupied] {
	case "0":
	case "1":
		row.Occupied = true
	default:
		return row, fmt.Errorf("occupied %q is neither 0 nor 1", record[c.occupied])
	}
	cab := record[c.cab]
	if cab == "" {
		return row, errors.New("cab is empty")
	}
	name, ok := names[cab]
	if !ok {
		name = strings.Clone(cab)
		names[name] = name
	}
	row.Cab = name
	return row, nil
}
