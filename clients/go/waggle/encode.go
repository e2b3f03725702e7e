package waggle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
)

// EncodeMessage writes a message as Conn.Send takes it. It leaves out every
// field that has its default, and checks nothing: the server refuses what is
// not allowed. A coordinate, radius or wait that is not finite becomes null, as in JavaScript.
func EncodeMessage(m Message) []byte {
	w := wireMessage{Action: m.action()}
	switch m := m.(type) {
	case *Hello:
		w.ID = m.ID
	case *Ping:
		w.ID = m.ID
	case *Location:
		w.ID, w.Available = m.ID, m.Available
		for _, p := range m.Points {
			if p.Motion = p.known(); finite(p.Lat) && finite(p.Lng) {
				w.Points = append(w.Points, p)
			}
		}
		if m.Points == nil {
			w.At, w.Seq, w.Motion = m.At, m.Seq, m.known()
			w.Lat, w.Lng = (*number)(&m.Lat), (*number)(&m.Lng)
		}
		if m.Tags != nil {
			tags := append([]string{}, *m.Tags...) // never null: [] removes all tags
			w.Tags = &tags
		}
	case *Locate:
		w.ID = m.ID
	case *Match:
		w.ID, w.Radius, w.Wait = m.ID, number(m.Radius), number(m.Wait)
		w.Share, w.Confirm = m.Share, number(m.Confirm)
		w.Avoid = m.Avoid
		w.WidenTo, w.WidenSeconds = number(m.WidenTo), number(m.WidenSeconds)
		if m.Point != nil {
			w.Lat, w.Lng = (*number)(&m.Point.Lat), (*number)(&m.Point.Lng)
		}
		if len(m.Tags) > 0 {
			w.Tags = &m.Tags
		}
	case *Accept:
		w.ID, w.Match = m.ID, m.Match
	case *Decline:
		w.ID, w.Match = m.ID, m.Match
	case *Cancel:
		w.ID, w.Request = m.ID, m.Request
	case *End:
		w.ID, w.Match, w.Reason = m.ID, m.Match, m.Reason
	case *Nearby:
		w.ID = m.ID
	case *Say:
		w.ID, w.Match, w.Data = m.ID, m.Match, m.Data
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(w); err != nil {
		panic(fmt.Sprintf("waggle: encode %T: %v", m, err)) // no value of wireMessage fails
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// wireMessage has the fields of all messages, in the order in which they are written.
type wireMessage struct {
	Action  string  `json:"action"`
	ID      string  `json:"id,omitempty"`
	Request string  `json:"request,omitempty"`
	Match   string  `json:"match,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	Radius  number  `json:"radius,omitempty"`
	Lat     *number `json:"lat,omitempty"`
	Lng     *number `json:"lng,omitempty"`
	At      *int64  `json:"at,omitempty"`
	Seq     int64   `json:"seq,omitempty"`
	Motion
	Points       []Fix           `json:"points,omitempty"`
	Available    *bool           `json:"available,omitempty"`
	Tags         *[]string       `json:"tags,omitempty"`
	Wait         number          `json:"wait,omitempty"`
	WidenTo      number          `json:"widenTo,omitempty"`
	WidenSeconds number          `json:"widenSeconds,omitempty"`
	Confirm      number          `json:"confirm,omitempty"`
	Avoid        []string        `json:"avoid,omitempty"`
	Share        bool            `json:"share,omitempty"`
	Data         json.RawMessage `json:"data,omitempty"`
}

// known leaves out the numbers that are not finite, as devices say unknown.
func (m Motion) known() Motion {
	for _, v := range reflect.ValueOf(&m).Elem().Fields() {
		if f := v.Interface().(*float64); f != nil && !finite(*f) {
			v.SetZero()
		}
	}
	return m
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// A number is null in JSON where it is not finite.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	if !finite(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}
