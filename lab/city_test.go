package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/cmd/waggle/cli"
	"waggle/lab/trace"
)

func TestCityWritesATrace(t *testing.T) {
	dir := t.TempDir()
	read := func(args ...string) ([]trace.Row, []byte) {
		t.Helper()
		file := args[len(args)-1]
		_, errs, err := typed(t.Context(), append([]string{"city", "-from", "20:00", "-for", "10m"}, args...)...)
		if err != nil || !strings.Contains(errs, file+" has ") {
			t.Fatalf("%q: got %q, %v, want its number of rows", args, errs, err)
		}
		rows, err := readTrace(file)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return rows, data
	}
	rows, plain := read("-o", filepath.Join(dir, "a.csv"))
	// 2026-05-29 at 20:00 in California.
	w := trace.Cut(rows, 1_780_110_000, 1_780_110_600, 0)
	if len(w.Reports) != len(rows) || len(w.Cabs) < 35 || len(w.Cabs) > 50 || len(rows) < 580*len(w.Cabs)/2 || len(w.Fares) < 5 {
		t.Errorf("got %d of %d reports within the ten minutes, of %d cabs, %d fares", len(w.Reports), len(rows), len(w.Cabs), len(w.Fares))
	}
	again, zipped := read("-o", filepath.Join(dir, "b.csv.gz"))
	if diff := cmp.Diff(rows, again); diff != "" {
		t.Errorf("gzipped: got +, want -\n%s", diff)
	}
	if len(zipped) > len(plain)/3 {
		t.Errorf("gzipped: got %d bytes of %d", len(zipped), len(plain))
	}
	if other, _ := read("-seed", "2", "-o", filepath.Join(dir, "c.csv")); cmp.Equal(rows, other) {
		t.Error("another seed gives the same")
	}
	out, _, err := typed(t.Context(), "city", "-from", "20:00", "-for", "10m", "-o", "-")
	if err != nil || !bytes.Equal([]byte(out), plain) {
		t.Errorf("standard output: got %d bytes, %v, want the file's %d", len(out), err, len(plain))
	}
}

func TestCityComparesAndDrawsDays(t *testing.T) {
	dir := t.TempDir()
	real, plot, copied := filepath.Join(dir, "real.csv.gz"), filepath.Join(dir, "days.svg"), filepath.Join(dir, "made.csv")
	if _, _, err := typed(t.Context(), "city", "-seed", "9", "-members", "30", "-every", "90s", "-o", real); err != nil {
		t.Fatal(err)
	}
	out, _, err := typed(t.Context(), "city", "-compare", real, "-plot", plot, "-o", copied)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"members ", " 30 ", "ride as the crow flies, p50", "correlation with the real one", "23:00"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if data, err := os.ReadFile(plot); err != nil || !bytes.Contains(data, []byte("made-up")) {
		t.Errorf("the plot: got %d bytes, %v", len(data), err)
	}
	rows, err := readTrace(copied)
	if err != nil {
		t.Fatal(err)
	}
	// It has the date of the real day, without a flag for it.
	recorded, err := readTrace(real)
	if err != nil {
		t.Fatal(err)
	}
	if off := rows[0].Unix - recorded[0].Unix; off < 0 || off > 600 {
		t.Errorf("it begins %d s after the real one", off)
	}
	self, _, err := typed(t.Context(), "city", "-compare", copied)
	if err != nil || !strings.Contains(self, "1.00") || !strings.Contains(self, "100 %") || !strings.Contains(self, "at most 0.") {
		t.Errorf("with itself: got %v\n%s", err, self)
	}
}

func TestCityErrorsSayWhatToDo(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "-o city.csv.gz"},
		{"-o a b", "takes nothing but flags"},
		{"-o a -members 0", "1 to 100000"},
		{"-o a -every 500ms", "whole seconds"},
		{"-o a -every 0s", "whole seconds"},
		{"-o a -for 0s", "at least 1s"},
		{"-o a -date 29.5.2026", "2026-05-29"},
		{"-o a -from six", "18:00"},
		{"-o a -from 2026-05-28T23:00:00-07:00", "before 2026-05-29T00:00:00-07:00"},
		{"-o a -zone Mars", "America/Los_Angeles"},
		{"-o a -plot p.svg", "-compare"},
		{"-compare a -plot p.gif", ".svg or .png"},
	} {
		_, errs, err := typed(t.Context(), append([]string{"city"}, strings.Fields(tt.args)...)...)
		if !errors.Is(err, cli.ErrUsage) || !strings.Contains(errs, tt.want) {
			t.Errorf("%q: got %q, %v, want %q", tt.args, errs, err, tt.want)
		}
	}
	if _, _, err := typed(t.Context(), "city", "-o", filepath.Join(t.TempDir(), "none", "a.csv")); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "-o: ") {
		t.Errorf("no such folder: got %v", err)
	}
	if _, _, err := typed(t.Context(), "city", "-compare", filepath.Join(t.TempDir(), "a.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: got %v", err)
	}
}

func TestAnInterruptedCityIsAWholeTrace(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "a.csv.gz")
	_, errs, err := typed(ctx, "city", "-o", file)
	if !errors.Is(err, cli.ErrInterrupted) || !strings.Contains(errs, "interrupted after 0 reports") {
		t.Errorf("got %q, %v", errs, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trace.Read(bytes.NewReader(data)); err == nil || !strings.Contains(err.Error(), "no rows") {
		t.Errorf("the file: got %v, want that it has no rows", err)
	}
}
