package trace_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/lab/trace"
)

func TestAWrittenTraceCanBeRead(t *testing.T) {
	rows, err := trace.Read(bytes.NewReader([]byte(small)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"day.csv", "day.csv.gz"} {
		file := filepath.Join(t.TempDir(), name)
		w, err := trace.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if zipped := bytes.HasPrefix(data, []byte("\x1f\x8b")); zipped != (name == "day.csv.gz") {
			t.Errorf("%s: got gzipped %v", name, zipped)
		}
		got, err := trace.Read(bytes.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(rows, got); diff != "" {
			t.Errorf("%s: got +, want -\n%s", name, diff)
		}
	}
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAFailedWriteIsAnErrorOfClose(t *testing.T) {
	w := trace.NewWriter(full{})
	if err := w.Write(trace.Row{Cab: "a"}); err != nil {
		t.Fatalf("got %v before the buffer was written", err)
	}
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Errorf("got %v, want %v", err, errFull)
	}
	if _, err := trace.Create(filepath.Join(t.TempDir(), "none", "day.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is no such folder", err)
	}
}
