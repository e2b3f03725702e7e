package store

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"waggle/internal/geo"
)

// Records have coordinates and cells in a short form, since a value of 64 bytes or less keeps a
// record one listpack. The scripts pass these forms on as they are: to write them costs a cache
// more than to compare them.

// ShortDegrees writes a coordinate: as a whole number of 1e-7 degrees where that is exact, else in
// full, with a point.
func ShortDegrees(degrees float64) string {
	if n := math.Round(degrees * 1e7); n/1e7 == degrees {
		return whole(int64(n))
	}
	return decimal(degrees)
}

// Degrees reads what ShortDegrees wrote. The error does not repeat it: it is a place.
func Degrees(short string) (float64, error) {
	n, err := strconv.ParseFloat(short, 64)
	if err != nil {
		return 0, errors.New("a coordinate is no number")
	}
	if !strings.Contains(short, ".") {
		n /= 1e7
	}
	return n, nil
}

// ShortCell writes a cell: as a number without its first digit, which all have, and its last
// ones, which are all f. It returns "" for a text that is no cell, which every script refuses.
func ShortCell[C ~string](c C) string {
	digits := strings.TrimRight(strings.TrimPrefix(string(c), "8"), "f")
	n, err := strconv.ParseInt(digits, 16, 64)
	if err != nil {
		return ""
	}
	return whole(n)
}

// Cell reads what ShortCell wrote. The error does not repeat it.
func Cell(short string) (geo.Cell, error) {
	n, err := strconv.ParseInt(short, 10, 64)
	if err != nil {
		return "", errors.New("a cell is no number")
	}
	digits := "8" + strconv.FormatInt(n, 16)
	return geo.Cell(digits + strings.Repeat("f", max(0, 15-len(digits)))), nil
}
