package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/lab/record"
)

// A disk is a file in memory.
type disk struct {
	bytes.Buffer
	closed bool
	full   error // of each write
}

func (d *disk) Close() error { d.closed = true; return nil }

func (d *disk) Write(b []byte) (int, error) {
	if d.full != nil {
		return 0, d.full
	}
	return d.Buffer.Write(b)
}

func header() record.Header {
	return record.Header{From: 100, To: 700, Speed: 30, Pool: "sf", LocationTTL: 6, Grace: 20, Passengers: "passenger-x-", Probes: "probe-x-"}
}

func read(t *testing.T, data []byte) (*record.Reader, []record.Event) {
	t.Helper()
	r, err := record.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var all []record.Event
	for {
		e, err := r.Next()
		if err == io.EOF {
			return r, all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

func TestReadsWhatWasWritten(t *testing.T) {
	for _, zip := range []bool{false, true} {
		var d disk
		w := record.NewWriter(&d, zip, header())
		w.Note(1_000_000, record.Connected, "a \"b\" \U0001f41d", "")
		raw := []byte(`{"action":"hello","id":"1"}`)
		w.Frame(1_000_001, record.Sent, "a", raw)
		copy(raw, "overwritten")
		w.Frame(1_000_002, record.Received, "a", []byte("no JSON\n"))
		w.Frame(1_000_003, record.Received, "a", []byte("{\n}"))
		w.Note(1_000_004, record.Failed, "a", "timeout")
		if got := w.Lines(); got != 6 {
			t.Errorf("lines: got %d, want 6", got)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if !d.closed {
			t.Error("the file is open after Close")
		}
		r, got := read(t, d.Bytes())
		want := []record.Event{
			{Micros: 1_000_000, Kind: record.Connected, Member: "a \"b\" \U0001f41d"},
			{Micros: 1_000_001, Kind: record.Sent, Member: "a", Frame: []byte(`{"action":"hello","id":"1"}`)},
			{Micros: 1_000_002, Kind: record.Received, Member: "a", Text: "no JSON\n"},
			{Micros: 1_000_003, Kind: record.Received, Member: "a", Text: "{\n}"},
			{Micros: 1_000_004, Kind: record.Failed, Member: "a", Code: "timeout"},
			{Micros: 1_000_004, Kind: record.Done},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("zipped %t: got +, want -\n%s", zip, diff)
		}
		wantHeader := header()
		wantHeader.Version = record.Version
		if diff := cmp.Diff(wantHeader, r.Header); diff != "" {
			t.Errorf("header: got +, want -\n%s", diff)
		}
		if !r.Whole() || r.Cut() != "" {
			t.Errorf("whole %t, cut %q", r.Whole(), r.Cut())
		}
	}
}

func TestANilWriterDoesNothing(t *testing.T) {
	var w *record.Writer
	w.Frame(1, record.Sent, "a", []byte("{}"))
	w.Note(1, record.Lost, "a", "")
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestLinesOfManyMembersAreNotMixedUp(t *testing.T) {
	var d disk
	w := record.NewWriter(&d, true, header())
	var all sync.WaitGroup
	frame := []byte(`{"action":"location","id":"` + strings.Repeat("x", 200) + `"}`)
	const members, frames = 20, 500
	for m := range members {
		all.Go(func() {
			for i := range frames {
				w.Frame(int64(1_000_000+i), record.Sent, fmt.Sprint(m), frame)
			}
		})
	}
	all.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, events := read(t, d.Bytes())
	next := map[string]int64{}
	for _, e := range events[:len(events)-1] {
		if e.Micros != 1_000_000+next[e.Member] {
			t.Fatalf("frame %d of member %s is %d", next[e.Member], e.Member, e.Micros-1_000_000)
		}
		next[e.Member]++
	}
	if len(events) != members*frames+1 {
		t.Errorf("got %d events, want %d", len(events), members*frames+1)
	}
}

func TestAKilledReplayLacksOneSecondOfItsRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		w := record.NewWriter(&d, true, header())
		w.Note(1_000_000, record.Started, "", "")
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		r, events := read(t, bytes.Clone(d.Bytes()))
		if len(events) != 1 || r.Whole() || !strings.Contains(r.Cut(), "after line 2") {
			t.Errorf("got %v, whole %t, cut %q, want the one event and that there is no end", events, r.Whole(), r.Cut())
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseReturnsTheErrorOfAFullDisk(t *testing.T) {
	full := errors.New("no space left")
	d := disk{full: full}
	w := record.NewWriter(&d, false, header())
	for i := range int64(10) {
		w.Note(1_000_000+i, record.Lost, "a", "")
	}
	if err := w.Close(); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
	if !d.closed {
		t.Error("the file is open after Close")
	}
}

func TestACutRecordIsReadUpToTheCut(t *testing.T) {
	var d disk
	w := record.NewWriter(&d, true, header())
	for i := range int64(5000) {
		w.Frame(1_000_000+i*i, record.Sent, fmt.Sprint("member", i*i%977), []byte(`{"action":"ping"}`))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, events := read(t, d.Bytes()[:d.Len()/2])
	if n := len(events); n < 1000 || n >= 5000 || !strings.Contains(r.Cut(), fmt.Sprintf("after line %d, in the middle of its gzip data", n+1)) {
		t.Errorf("got %d events, cut %q", n, r.Cut())
	}
	plain := `{"waggleRecord":1,"from":1,"to":2,"speed":1,"locationTTL":1,"passengers":"p","probes":"q"}` + "\n" + `{"t":5,"e":"started"}` + "\n" + `{"t":6,"e":"pla`
	r, events = read(t, []byte(plain))
	if len(events) != 1 || r.Cut() != "in the middle of line 3" || r.Whole() {
		t.Errorf("got %v, cut %q, whole %t", events, r.Cut(), r.Whole())
	}
}

func TestErrorsNameTheLineAndWhatIsExpected(t *testing.T) {
	head := `{"waggleRecord":1,"from":1,"to":2,"speed":1,"locationTTL":1,"passengers":"p","probes":"q"}` + "\n"
	var zipped disk
	w := record.NewWriter(&zipped, true, header())
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(zipped.Bytes())
	damaged[len(damaged)-6] ^= 0xff // in the checksum
	for name, tt := range map[string]struct{ data, want string }{
		"empty":            {"", `the record is empty: its first line must be {"waggleRecord":1`},
		"cut at once":      {string(zipped.Bytes()[:12]), "the record is cut off after line 0"},
		"no gzip":          {"\x1f\x8bzip", "line 1: the gzip data is damaged"},
		"damaged":          {string(damaged), "line 3: the gzip data is damaged"},
		"a trace":          {"unix_s,cab,lat,lng,occupied\n", `line 1: this is not the record of a replay: it must be {"waggleRecord":1`},
		"another's JSON":   {"{}\n", "line 1: this is not the record"},
		"a newer format":   {`{"waggleRecord":2}` + "\n", "line 1: the record has format 2, and this program reads format 1"},
		"a bad speed":      {strings.Replace(head, `"speed":1`, `"speed":0`, 1), "line 1: speed 0 must be above 0"},
		"no TTL":           {strings.Replace(head, `"locationTTL":1,`, "", 1), "line 1: locationTTL 0 must be"},
		"a bad window":     {strings.Replace(head, `"to":2`, `"to":1`, 1), "line 1: from 1, to 1"},
		"no names":         {strings.Replace(head, `,"probes":"q"`, "", 1), "line 1: passengers and probes"},
		"a bad ahead":      {strings.Replace(head, `"speed":1`, `"speed":1,"ahead":-1`, 1), "line 1: ahead -1 must not be below 0"},
		"a text for speed": {strings.Replace(head, `"speed":1`, `"speed":"1"`, 1), "line 1: speed must not be a string"},
		"no JSON":          {head + "hello\n", `line 2: it is not JSON`},
		"a bad number":     {head + `{"t":"now","e":"lost"}` + "\n", "line 2: t must not be a string"},
		"no time":          {head + `{"e":"lost"}` + "\n", "line 2: t is 0: it must be microseconds since 1970"},
		"an unknown kind":  {head + `{"t":1,"e":"danced"}` + "\n", `line 2: e is "danced"`},
		"no member":        {head + `{"t":1,"e":"sent","f":{}}` + "\n", "line 2: m, the member, is missing"},
		"unsorted": {head + `{"t":9000001,"e":"lost"}` + "\n" + `{"t":4000002,"e":"lost"}` + "\n" + `{"t":4000000,"e":"lost"}` + "\n",
			"line 4: t is 5.000001s before an earlier line's"},
		"a long line": {head + strings.Repeat("x", 2<<20) + "\n", "line 2: it is longer than"},
	} {
		r, err := record.NewReader(strings.NewReader(tt.data))
		for err == nil {
			_, err = r.Next()
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %q, want it to say %q", name, err, tt.want)
		}
	}
}

func TestWallFollowsTheSpeed(t *testing.T) {
	h := record.Header{From: 1212195600, Speed: 60}
	if got, want := h.Wall(5_000_000, 1212195600+90), int64(6_500_000); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestParseFrameReadsBothDirections(t *testing.T) {
	lat, lng := 1.5, 2.5
	for text, want := range map[string]record.Frame{
		`{"action":"location","id":"report-7","lat":1.5,"lng":2.5,"seq":3}`: {Action: "location", ID: "report-7", Lat: &lat, Lng: &lng},
		`{"type":"matched","id":"r","match":"m1","role":"matcher","peer":{"lat":1,"lng":2,"at":3,"distance":4},"report":{"afterSeconds":5,"moveMeters":6}}`: {
			Type: "matched", ID: "r", Match: "m1", Role: "matcher", Peer: &record.Peer{Lat: 1, Lng: 2, Distance: 4}, Report: &record.Advice{AfterSeconds: 5, MoveMeters: 6}},
		`{"type":"welcome","match":{"match":"m1","role":"matchee","state":"active","peer":{"lat":1,"lng":2,"at":3,"distance":4}}}`: {
			Type: "welcome", Match: "m1", Role: "matchee", Peer: &record.Peer{Lat: 1, Lng: 2, Distance: 4}},
		`{"type":"welcome","request":{"id":"r","radius":5,"expiresAt":6}}`: {Type: "welcome", Request: true},
		`{"type":"error","id":"e","code":"conflict","message":"x"}`:        {Type: "error", ID: "e", Code: "conflict"},
		`{"message":"Internal server error"}`:                              {},
	} {
		got, ok := record.ParseFrame([]byte(text))
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s: %t, got +, want -\n%s", text, ok, diff)
		}
	}
	for _, text := range []string{"", "null", "[1]", `"x"`, "{", `{"type":1}`, `{"match":1}`, `{"match":{"match":1}}`} {
		if f, ok := record.ParseFrame([]byte(text)); ok {
			t.Errorf("%q: got %+v, want that it is not a frame", text, f)
		}
	}
}
