package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Encode writes a frame as the server sends it: {"type":"…", then its fields.
// A frame that JSON cannot hold, with NaN or a card that is not JSON, is
// written as an Error with CodeInternal, for nothing of it can be told.
func Encode(f Frame) []byte {
	if unknown, ok := f.(*Unknown); ok {
		return slices.Clone(unknown.Raw)
	}
	fields, err := marshal(f)
	if err != nil {
		return Encode(NewError(CodeInternal, "", "the answer could not be written"))
	}
	head := fmt.Appendf(nil, `{"type":%q`, f.frameType())
	if len(fields) > len("{}") {
		head = append(head, ',')
	}
	return append(head, fields[1:]...)
}

// EncodeMessage writes a message as a client sends it. Fields that hold their
// default, or nothing, are left out, so a zero Radius asks for DefaultRadius.
// It checks nothing: NaN is written as null, as JavaScript does, and the server
// answers what is wrong with it.
func EncodeMessage(m Message) []byte {
	w := wireMessage{ID: m.MessageID()}
	switch m := m.(type) {
	case *Hello:
		w.Action = ActionHello
	case *Ping:
		w.Action = ActionPing
	case *Location:
		w.Action = ActionLocation
		w.Lat, w.Lng = (*number)(&m.Lat), (*number)(&m.Lng)
		w.At, w.Seq = m.At, m.Seq
		w.Accuracy, w.Heading, w.Speed = (*number)(m.Accuracy), (*number)(m.Heading), (*number)(m.Speed)
		w.Available = m.Available
		if m.Tags != nil {
			tags := append([]string{}, *m.Tags...) // never null: [] takes all tags away
			w.Tags = &tags
		}
	case *Locate:
		w.Action = ActionLocate
	case *Match:
		w.Action = ActionMatch
		w.Radius, w.Wait = number(m.Radius), number(m.Wait)
		if m.Point != nil {
			w.Lat, w.Lng = (*number)(&m.Point.Lat), (*number)(&m.Point.Lng)
		}
		if len(m.Tags) > 0 {
			w.Tags = &m.Tags
		}
	case *Cancel:
		w.Action = ActionCancel
	case *End:
		w.Action = ActionEnd
		w.Match, w.Reason = m.Match, m.Reason
	default:
		panic(fmt.Sprintf("protocol: %T is no message of v1", m))
	}
	text, err := marshal(w)
	if err != nil {
		panic(fmt.Sprintf("protocol: encode %T: %v", m, err)) // no value of wireMessage fails
	}
	return text
}

// wireMessage has the fields of all messages, in the order they are written.
type wireMessage struct {
	Action    string    `json:"action"`
	ID        string    `json:"id,omitempty"`
	Match     string    `json:"match,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Radius    number    `json:"radius,omitempty"`
	Lat       *number   `json:"lat,omitempty"`
	Lng       *number   `json:"lng,omitempty"`
	At        *int64    `json:"at,omitempty"`
	Seq       int64     `json:"seq,omitempty"`
	Accuracy  *number   `json:"accuracy,omitempty"`
	Heading   *number   `json:"heading,omitempty"`
	Speed     *number   `json:"speed,omitempty"`
	Available *bool     `json:"available,omitempty"`
	Tags      *[]string `json:"tags,omitempty"`
	Wait      number    `json:"wait,omitempty"`
}

// A number is null in JSON where JSON has no number for it.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// marshal leaves <, > and & as they are: nothing here is put into HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
