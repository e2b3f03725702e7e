package protocol

import (
	"fmt"
	"slices"
	"strings"
)

// Decode reads one message of a client. The action is the route that it came
// by, "$default" where it missed them all; it must be what the body itself
// says, so that nothing is done that the client did not ask for.
//
// The message is fully checked: numbers are finite and in range, tags sorted
// and distinct, absent fields hold their defaults. What is refused comes back
// as an *Error ready to be sent, with the message's id where that could be
// read. Exactly one of the results is nil.
//
//   - more than MaxMessageBytes: CodeTooLarge, without a look inside
//   - not one JSON object in UTF-8, or with a key twice in any object of it:
//     CodeInvalidMessage. The readers on the way would not agree on its meaning
//   - no string "action", or not one of v1's: CodeUnknownAction
//   - a known field of a wrong type or out of range, null included, or one
//     kept for later: CodeInvalidMessage, naming the field
//
// Keys are case-sensitive and unknown ones are ignored.
func Decode(action string, body []byte) (Message, *Error) {
	if len(body) > MaxMessageBytes {
		return nil, NewError(CodeTooLarge, "", fmt.Sprintf("a message may have at most %d bytes", MaxMessageBytes))
	}
	object, wrong := parse(body)
	f := &fields{object: object}
	id := f.id()
	if wrong != "" {
		return nil, NewError(CodeInvalidMessage, id, wrong)
	}
	name, ok := object["action"].(string)
	if !ok {
		return nil, NewError(CodeUnknownAction, id, "action is required: one of "+strings.Join(actions(), ", "))
	}
	if name != action || !slices.Contains(actions(), name) {
		return nil, NewError(CodeUnknownAction, id,
			fmt.Sprintf("unknown action %.32q: the actions are %s", name, strings.Join(actions(), ", ")))
	}
	m := f.message(name, id)
	if f.wrong != "" {
		return nil, NewError(CodeInvalidMessage, id, f.wrong)
	}
	return m, nil
}

// actions lists what message reads.
func actions() []string {
	return []string{ActionHello, ActionPing, ActionLocation, ActionLocate, ActionMatch, ActionCancel, ActionEnd}
}

func (f *fields) message(action, id string) Message {
	switch action {
	case ActionHello:
		return &Hello{ID: id}
	case ActionPing:
		return &Ping{ID: id}
	case ActionLocation:
		return f.location(id)
	case ActionLocate:
		return &Locate{ID: id}
	case ActionMatch:
		return f.match(id)
	case ActionCancel:
		return &Cancel{ID: id}
	case ActionEnd:
		return f.end(id)
	}
	panic("protocol: no reader for the action " + action)
}

func (f *fields) location(id string) *Location {
	f.notYet("points")
	f.require("lat", allowedLat)
	f.require("lng", allowedLng)
	m := &Location{ID: id}
	if p := f.point(); p != nil {
		m.Lat, m.Lng = p.Lat, p.Lng
	}
	m.At = f.integer("at")
	if seq := f.integer("seq"); seq != nil {
		m.Seq = *seq
	}
	m.Accuracy = f.number("accuracy", "a number of metres from 0 to 100000", between(0, 100_000))
	m.Heading = f.number("heading", "a number of degrees from 0 to less than 360",
		func(v float64) bool { return 0 <= v && v < 360 })
	m.Speed = f.number("speed", "a number of metres per second from 0 to 1000, or -1 for unknown",
		func(v float64) bool { return 0 <= v && v <= 1000 || v == -1 })
	if m.Speed != nil && *m.Speed == -1 {
		m.Speed = nil
	}
	m.Available = f.boolean("available")
	m.Tags = f.tags()
	return m
}

func (f *fields) match(id string) *Match {
	f.notYet("confirm", "share", "avoid")
	m := &Match{ID: id}
	if radius := f.number("radius", "a number of metres from 100 to 20000", between(100, 20_000)); radius != nil {
		m.Radius = *radius
	}
	if f.has("lat") || f.has("lng") {
		f.require("lat", allowedLat+", since lng is given")
		f.require("lng", allowedLng+", since lat is given")
		m.Point = f.point()
	}
	if tags := f.tags(); tags != nil && len(*tags) > 0 {
		m.Tags = *tags
	}
	if wait := f.number("wait", "a number of seconds from 0 to 600", between(0, 600)); wait != nil {
		m.Wait = *wait
	}
	return m
}

func (f *fields) end(id string) *End {
	const allowedMatch = "a string of 1 to 64 characters"
	f.require("match", allowedMatch)
	m := &End{ID: id, Reason: ReasonCompleted}
	m.Match, _ = f.text("match", allowedMatch, func(s string) bool { return s != "" && atMost(maxID, s) })
	reason, ok := f.text("reason", `"completed" or "cancelled"`,
		func(s string) bool { return s == ReasonCompleted || s == ReasonCancelled })
	if ok {
		m.Reason = reason
	}
	return m
}
