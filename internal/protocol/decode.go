package protocol

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Decode reads one message of a client. The action is the route that the
// message came by, "$default" where it missed them all. It must be the action
// in the body, so that nothing is done that the client did not ask for.
//
// The message is fully checked: numbers are finite and in range, tags sorted
// and distinct, absent fields hold their defaults. A refusal is an *Error ready
// to be sent, with the message's id where that could be read. Exactly one of
// the results is nil.
//
//   - more than MaxMessageBytes: CodeTooLarge, without a look inside
//   - not one JSON object in UTF-8, or with a key twice in any object of it:
//     CodeInvalidMessage, since two JSON readers might disagree on its meaning
//   - no string "action", or not one of v1's: CodeUnknownAction
//   - a known field of a wrong type or out of range, or one kept for later:
//     CodeInvalidMessage, naming the field. Message says where null is allowed
//
// Keys are case-sensitive and unknown ones are ignored.
func Decode(action string, body []byte) (Message, *Error) {
	if len(body) > MaxMessageBytes {
		return nil, NewError(CodeTooLarge, "", fmt.Sprintf("a message may have at most %d bytes", MaxMessageBytes))
	}
	object, wrong := parse(body)
	actions, shapes := messages()
	var bare Ping // what every message has: an id
	wrongID := shapes[ActionPing].read(reflect.ValueOf(&bare).Elem(), object)
	if wrong != "" {
		return nil, NewError(CodeInvalidMessage, bare.ID, wrong)
	}
	name := object["action"].text
	if object["action"].kind != '"' {
		return nil, NewError(CodeUnknownAction, bare.ID, "action is required: one of "+strings.Join(actions, ", "))
	}
	if name != action || !slices.Contains(actions, name) {
		return nil, NewError(CodeUnknownAction, bare.ID,
			fmt.Sprintf("unknown action %.32q: the actions are %s", name, strings.Join(actions, ", ")))
	}
	m := reflect.New(shapes[name].of)
	if wrong = cmp.Or(wrongID, shapes[name].read(m.Elem(), object)); wrong != "" {
		return nil, NewError(CodeInvalidMessage, bare.ID, wrong)
	}
	if checked, ok := m.Interface().(interface{ wrong() string }); ok {
		if wrong = checked.wrong(); wrong != "" {
			return nil, NewError(CodeInvalidMessage, bare.ID, wrong)
		}
	}
	return m.Interface().(Message), nil
}
