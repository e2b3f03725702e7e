package telemetry

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// units are those that the specification allows.
var units = strings.Fields(`Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits
	Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second Bits/Second
	Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second Count/Second None`)

// check holds a line to the specification, and returns what CloudWatch makes of it: the values by
// name and dimension.
func check(t *testing.T, line []byte) map[string][]float64 {
	t.Helper()
	if len(line) > 256<<10 || bytes.Count(line, []byte(`"_aws"`)) != 1 || bytes.ContainsAny(line, "\n\r") {
		t.Fatalf("%d bytes, or not one _aws in one line: %.200s", len(line), line)
	}
	var root map[string]any
	if err := json.Unmarshal(line, &root); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	var about struct {
		Aws *struct {
			Timestamp         *int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
	}
	strict := json.NewDecoder(bytes.NewReader(line))
	if err := strict.Decode(&about); err != nil || about.Aws == nil || about.Aws.Timestamp == nil {
		t.Fatalf("%v: no metadata: %s", err, line)
	}
	members := []string{"_aws"}
	got := make(map[string][]float64)
	for _, d := range about.Aws.CloudWatchMetrics {
		if d.Namespace == "" || len(d.Namespace) > 255 || len(d.Dimensions) < 1 || len(d.Metrics) == 0 || len(d.Metrics) > 100 {
			t.Errorf("bad directive: %+v", d)
		}
		dimension := ""
		for _, set := range d.Dimensions {
			if set == nil || len(set) > 9 {
				t.Errorf("bad set of dimensions: %v", set)
			}
			for _, name := range set {
				value, ok := root[name].(string)
				if !ok || value == "" || len(value) > 1024 {
					t.Errorf("the dimension %s has the value %v", name, root[name])
				}
				members, dimension = append(members, name), dimension+" "+name+"="+value
			}
		}
		for _, m := range d.Metrics {
			if m.Name == "" || len(m.Name) > 255 || !slices.Contains(units, m.Unit) {
				t.Errorf("bad definition: %+v", m)
			}
			members = append(members, m.Name)
			var values []float64
			switch v := root[m.Name].(type) {
			case float64:
				values = []float64{v}
			case []any:
				for _, one := range v {
					values = append(values, one.(float64))
				}
			}
			if len(values) == 0 || len(values) > 100 {
				t.Errorf("%s: got %d values", m.Name, len(values))
			}
			got[m.Name+dimension] = values
		}
	}
	slices.Sort(members)
	if diff := cmp.Diff(members, slices.Sorted(maps.Keys(root))); diff != "" {
		t.Errorf("the members of the root (-what the metadata names +got):\n%s", diff)
	}
	return got
}

// read returns what CloudWatch makes of all lines.
func read(t *testing.T, out *bytes.Buffer) map[string][]float64 {
	t.Helper()
	got := make(map[string][]float64)
	for _, line := range bytes.Split(bytes.TrimSuffix(out.Bytes(), []byte("\n")), []byte("\n")) {
		for name, values := range check(t, line) {
			got[name] = append(got[name], values...)
		}
	}
	out.Reset()
	return got
}

func TestEachInstrumentIsWrittenAsTheSpecificationSays(t *testing.T) {
	var out bytes.Buffer
	now := time.UnixMilli(1_800_000_000_000)
	e := NewEMF(&out, "Waggle", func() time.Time { return now })
	want := make(map[string][]float64)
	for _, i := range Instruments() {
		for n, value := range append([]string{""}, i.Values...) {
			name := i.Name
			switch {
			case i.Attribute != "" && value == "":
				continue
			case i.Attribute != "":
				name += " " + i.Attribute + "=" + value
			}
			e.Record(i.ID, value, float64(n))
			e.Record(i.ID, value, 2)
			if want[name] = []float64{float64(n), 2}; i.Kind == Counter {
				want[name] = []float64{float64(n) + 2}
			}
		}
	}
	now = now.Add(time.Hour)
	e.Flush()
	if first := out.String(); !strings.Contains(first, `"Timestamp":1800000000000,`) {
		t.Errorf("got no line at the time of the first value: %.300s", first)
	}
	if diff := cmp.Diff(want, read(t, &out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestALineHasAtMostAHundredValuesOfAMetric(t *testing.T) {
	var out bytes.Buffer
	e := NewEMF(&out, "Waggle", time.Now)
	for i := range 250 {
		e.Record(PushDuration, "", float64(i))
	}
	e.Close()
	if lines := bytes.Count(out.Bytes(), []byte("\n")); lines != 3 {
		t.Errorf("got %d lines, want 3", lines)
	}
	if got := read(t, &out)["waggle.push.duration"]; len(got) != 250 || got[249] != 249 {
		t.Errorf("got %d values, the last is %v", len(got), got[len(got)-1])
	}
}

func TestAValueThatIsNotListedIsNoAttribute(t *testing.T) {
	var out bytes.Buffer
	e := NewEMF(&out, "Waggle", time.Now)
	e.Record(Pushes, "eyJhbGciOiJFUzI1NiJ9", 1)
	e.Record(EventsUnpublished, "ana", 1)
	e.Close()
	if diff := cmp.Diff(map[string][]float64{"waggle.pushes result=other": {1}, "waggle.events.unpublished": {1}}, read(t, &out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestABusyEnvironmentWritesEveryTenSecondsAndAFailureWithinOne(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1_800_000_000, 0)
	e := NewEMF(&out, "Waggle", func() time.Time { return now })
	serve := func(result string, after time.Duration, want bool) {
		t.Helper()
		now = now.Add(after)
		e.Record(Pushes, result, 1)
		e.Flush()
		if got := out.Len() > 0; got != want {
			t.Errorf("%s: written %v, want %v", result, got, want)
		}
		out.Reset()
	}
	serve("ok", 0, true) // the first of a new environment
	serve("ok", every-1, false)
	serve("ok", 1, true)
	serve("throttled", failed-1, false)
	serve("throttled", 1, true)
	serve("ok", failed, false)
	serve("ok", time.Hour, true)
	e.Flush()
	e.Close()
	if out.Len() > 0 {
		t.Errorf("written without a value: %s", &out)
	}
}

func TestALineIsReadBackAsItWasRecorded(t *testing.T) {
	var first, second bytes.Buffer
	e, again := NewEMF(&first, "Waggle", time.Now), NewEMF(&second, "Waggle", time.Now)
	for n, i := range Instruments() {
		for _, value := range append(slices.Clone(i.Values), "")[:max(1, len(i.Values))] {
			e.Record(i.ID, value, float64(n))
			e.Record(i.ID, value, 0.5)
		}
	}
	e.Close()
	for _, line := range bytes.Split(bytes.TrimSpace(first.Bytes()), []byte("\n")) {
		if !Replay(line, again) {
			t.Errorf("not a line: %s", line)
		}
	}
	again.Close()
	if diff := cmp.Diff(read(t, &first), read(t, &second)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, line := range []string{"", `{"level":"INFO","msg":"served"}`, `{"_aws":`} {
		if Replay([]byte(line), again) {
			t.Errorf("%s is a line of metrics", line)
		}
	}
}
