package telemetry

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
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
	namespace string // as JSON
	buffer    []byte
	now       func() time.Time
	mu        sync.Mutex
	counted   [instruments][]counted // by the place of the attribute's value in the list; one without attribute
	first     time.Time              // of the oldest value
	flushed   time.Time
	urgent    bool // an alarm waits for one of them
}

// A counted is what was recorded with one value of an attribute: the sum of a counter, or the values of
// a histogram.
type counted struct {
	values []float64
	alarm  bool // one waits for them
}

// ValidNamespace reports whether CloudWatch takes the name of a namespace.
func ValidNamespace(name string) bool {
	return len(name) <= 255 && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_/#") == "" && name != ""
}

// NewEMF returns a writer for a namespace of CloudWatch, which must be valid.
func NewEMF(out io.Writer, namespace string, now func() time.Time) *EMF {
	e := &EMF{out: out, namespace: strconv.Quote(namespace), now: now}
	for id, i := range all {
		e.counted[id] = make([]counted, max(1, len(i.Values)))
	}
	for _, a := range alarms {
		e.counted[a.Instrument][a.Instrument.place(a.Value)].alarm = true
	}
	return e
}

// Record implements Recorder.
func (e *EMF) Record(id ID, attribute string, value float64) {
	place := id.place(attribute)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.first.IsZero() {
		e.first = e.now()
	}
	c := &e.counted[id][place]
	e.urgent = e.urgent || c.alarm
	switch {
	case all[id].Kind == Counter && len(c.values) == 1:
		c.values[0] += value
		return
	case all[id].Kind == Histogram && c.values == nil:
		c.values = make([]float64, 0, mostValues)
	}
	if c.values = append(c.values, value); len(c.values) == mostValues {
		e.line(id.dimension(place), []ID{id}, place)
	}
}

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

type dimension struct{ name, value string }

// dimension is that of the value at a place.
func (id ID) dimension(place int) dimension {
	if all[id].Attribute == "" {
		return dimension{}
	}
	return dimension{all[id].Attribute, all[id].Values[place]}
}

// write writes a line for each attribute and value, since a member of a line has one value.
func (e *EMF) write() {
	type key struct {
		dimension
		place int
	}
	lines := make(map[key][]ID)
	for id, some := range e.counted {
		for place, c := range some {
			if k := (key{ID(id).dimension(place), place}); len(c.values) > 0 {
				lines[k] = append(lines[k], ID(id))
			}
		}
	}
	for k, ids := range lines {
		e.line(k.dimension, ids, k.place)
	}
	e.first, e.urgent, e.flushed = time.Time{}, false, e.now()
}

// line writes what was counted of these instruments at a place, and forgets it. It needs no escapes:
// names and values are those of the list.
func (e *EMF) line(d dimension, ids []ID, place int) {
	b := append(e.buffer[:0], `{"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, e.first.UnixMilli(), 10)
	b = append(append(append(b, `,"CloudWatchMetrics":[{"Namespace":`...), e.namespace...), `,"Dimensions":[[`...)
	if d.name != "" {
		b = append(append(append(b, '"'), d.name...), '"')
	}
	b = append(b, `]],"Metrics":[`...)
	for n, id := range ids {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(append(append(append(append(b, `{"Name":"`...), all[id].Name...), `","Unit":"`...), unit(all[id].Unit)...), `"}`...)
	}
	b = append(b, `]}]}`...)
	if d.name != "" {
		b = append(append(append(append(append(b, `,"`...), d.name...), `":"`...), d.value...), '"')
	}
	for _, id := range ids {
		values := &e.counted[id][place].values
		b = append(append(append(b, `,"`...), all[id].Name...), `":[`...)
		for n, v := range *values {
			if n > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendFloat(b, v, 'f', -1, 64)
		}
		b, *values = append(b, ']'), (*values)[:0]
	}
	e.buffer = append(b, "}\n"...)
	_, _ = e.out.Write(e.buffer) // there is no other place to say that it failed
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
