package telemetry

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// mostValues is how many values EMF takes of one metric in a line.
	mostValues = 100
	// every is how often a busy environment writes: a line for each event would cost more than
	// the event. failed is how often it writes if something failed, so that an alarm is prompt.
	every  = 10 * time.Second
	failed = time.Second
)

// An EMF writes to CloudWatch in the embedded metric format: lines of JSON on the standard output of
// a function, from which CloudWatch makes metrics. See
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
//
// It collects the values of several events. An environment that is frozen keeps what it has until
// its next event, or until Close.
type EMF struct {
	out       io.Writer
	namespace string
	now       func() time.Time
	mu        sync.Mutex
	counted   [instruments]map[string][]float64 // by attribute: the sum of a counter, or the values of a histogram
	first     time.Time                         // of the oldest of them
	flushed   time.Time
	urgent    bool // an alarm waits for one of them
}

// NewEMF returns a writer for a namespace of CloudWatch.
func NewEMF(out io.Writer, namespace string, now func() time.Time) *EMF {
	return &EMF{out: out, namespace: namespace, now: now}
}

// Record implements Recorder.
func (e *EMF) Record(id ID, attribute string, value float64) {
	attribute = id.Value(attribute)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.first.IsZero() {
		e.first = e.now()
	}
	values, known := e.counted[id][attribute]
	if !known {
		if e.counted[id] == nil {
			e.counted[id] = make(map[string][]float64)
		}
		values = make([]float64, 0, room[all[id].Kind])
	}
	if all[id].Kind == Counter && len(values) == 1 {
		values[0] += value
	} else {
		values = append(values, value)
	}
	e.counted[id][attribute] = values
	if len(values) == mostValues {
		e.line(dimension{all[id].Attribute, attribute}, []ID{id})
	}
	e.urgent = e.urgent || slices.ContainsFunc(alarms, func(a Alarm) bool { return a.Instrument == id && a.Value == attribute })
}

// room is how many values a line has at most, by kind.
var room = map[Kind]int{Counter: 1, Histogram: mostValues}

// Flush implements Recorder.
func (e *EMF) Flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	pause := every
	if e.urgent {
		pause = failed
	}
	if !e.first.IsZero() && e.now().Sub(e.flushed) >= pause {
		e.write()
	}
}

// Close writes what is left.
func (e *EMF) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.first.IsZero() {
		e.write()
	}
}

type (
	metadata struct {
		Timestamp         int64
		CloudWatchMetrics []directive
	}
	directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []definition
	}
	definition struct{ Name, Unit string }
)

type dimension struct{ name, value string }

// write writes a line for each attribute and value, since a member of a line has one value.
func (e *EMF) write() {
	lines := make(map[dimension][]ID)
	for id, values := range e.counted {
		for value, some := range values {
			if d := (dimension{all[id].Attribute, value}); len(some) > 0 {
				lines[d] = append(lines[d], ID(id))
			}
		}
	}
	for d, ids := range lines {
		e.line(d, ids)
	}
	e.first, e.urgent, e.flushed = time.Time{}, false, e.now()
}

// line writes what was counted of these instruments, and forgets it.
func (e *EMF) line(d dimension, ids []ID) {
	line := make(map[string]any)
	set := []string{}
	if d.name != "" {
		set, line[d.name] = append(set, d.name), d.value
	}
	var definitions []definition
	for _, id := range ids {
		values := e.counted[id][d.value]
		definitions = append(definitions, definition{all[id].Name, unit(all[id].Unit)})
		if line[all[id].Name] = values; len(values) == 1 {
			line[all[id].Name] = values[0]
		}
	}
	line["_aws"] = metadata{e.first.UnixMilli(), []directive{{e.namespace, [][]string{set}, definitions}}}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err) // numbers and strings never fail
	}
	_, _ = e.out.Write(append(text, '\n')) // there is no other place to say that it failed
	for _, id := range ids {
		e.counted[id][d.value] = e.counted[id][d.value][:0]
	}
}

// unit returns CloudWatch's name of a unit.
func unit(ucum string) string {
	switch {
	case ucum == "s":
		return "Seconds"
	case strings.HasPrefix(ucum, "{"):
		return "Count"
	}
	return "None"
}

// Replay records what a line of an EMF has, and reports whether the line is one.
func Replay(line []byte, to Recorder) bool {
	if !bytes.HasPrefix(line, []byte(`{"_aws":`)) {
		return false
	}
	var root map[string]json.RawMessage
	if json.Unmarshal(line, &root) != nil {
		return false
	}
	for id, i := range all {
		text, ok := root[i.Name]
		if !ok {
			continue
		}
		var attribute string
		var values []float64
		if i.Attribute != "" && json.Unmarshal(root[i.Attribute], &attribute) != nil {
			continue
		}
		if json.Unmarshal(text, &values) != nil {
			values = make([]float64, 1)
			if json.Unmarshal(text, &values[0]) != nil {
				continue
			}
		}
		for _, v := range values {
			to.Record(ID(id), attribute, v)
		}
	}
	return true
}
