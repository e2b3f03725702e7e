package protocol

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// What the fields that more than one message has may hold, in words for the
// client.
const (
	allowedID   = "a string of at most 64 characters"
	allowedLat  = "a number of degrees from -85 to 85"
	allowedLng  = "a number of degrees from -180 to 180"
	allowedInt  = "an integer from 0 to 9007199254740991"
	allowedTags = "an array of at most 16 strings of 1 to 32 characters out of a-z, 0-9, _ and -"
)

// fields reads the known fields of one message and remembers the first thing
// wrong with them. A field that is absent or wrong reads as nil.
type fields struct {
	object map[string]any
	wrong  string
}

func (f *fields) refuse(text string) {
	if f.wrong == "" {
		f.wrong = text
	}
}

func (f *fields) has(name string) bool {
	_, ok := f.object[name]
	return ok
}

// require refuses a message without the field.
func (f *fields) require(name, allowed string) {
	if !f.has(name) {
		f.refuse(name + " is required: " + allowed)
	}
}

// notYet refuses fields whose meaning is kept for later. Ignoring them would
// give their sender something else than it asked for.
func (f *fields) notYet(names ...string) {
	for _, name := range names {
		if f.has(name) {
			f.refuse(name + " is not supported yet: leave it out")
		}
	}
}

// number reads a finite number. A negative zero becomes zero.
func (f *fields) number(name, allowed string, ok func(float64) bool) *float64 {
	value, found := f.object[name]
	if !found {
		return nil
	}
	if literal, isNumber := value.(json.Number); isNumber {
		// A literal beyond float64, such as 1e999, is an error here.
		if v, err := strconv.ParseFloat(literal.String(), 64); err == nil && ok(v) {
			v += 0
			return &v
		}
	}
	f.refuse(name + " must be " + allowed)
	return nil
}

// integer reads a number by its value: 1e3 is one, 1.5 is not.
func (f *fields) integer(name string) *int64 {
	v := f.number(name, allowedInt, func(v float64) bool {
		return v == math.Trunc(v) && 0 <= v && v <= maxInt
	})
	if v == nil {
		return nil
	}
	n := int64(*v)
	return &n
}

// point reads lat and lng. The antimeridian has one name, -180.
func (f *fields) point() *Point {
	lat := f.number("lat", allowedLat, between(-85, 85))
	lng := f.number("lng", allowedLng, between(-180, 180))
	if lat == nil || lng == nil {
		return nil
	}
	if *lng == 180 {
		*lng = -180
	}
	return &Point{Lat: *lat, Lng: *lng}
}

func (f *fields) boolean(name string) *bool {
	value, found := f.object[name]
	if !found {
		return nil
	}
	b, ok := value.(bool)
	if !ok {
		f.refuse(name + " must be true or false")
		return nil
	}
	return &b
}

func (f *fields) text(name, allowed string, ok func(string) bool) (string, bool) {
	value, found := f.object[name]
	if !found {
		return "", false
	}
	s, isText := value.(string)
	if !isText || !ok(s) {
		f.refuse(name + " must be " + allowed)
		return "", false
	}
	return s, true
}

func (f *fields) id() string {
	id, _ := f.text("id", allowedID, func(s string) bool { return atMost(maxID, s) })
	return id
}

// tags reads the field "tags", sorted and each once.
func (f *fields) tags() *[]string {
	value, found := f.object["tags"]
	if !found {
		return nil
	}
	values, ok := value.([]any)
	if !ok || len(values) > maxTags {
		f.refuse("tags must be " + allowedTags)
		return nil
	}
	tags := make([]string, len(values))
	for i, v := range values {
		tag, ok := v.(string)
		if !ok || !validTag(tag) {
			f.refuse("tags must be " + allowedTags)
			return nil
		}
		tags[i] = tag
	}
	slices.Sort(tags)
	tags = slices.Compact(tags)
	return &tags
}

func validTag(tag string) bool {
	for i := range len(tag) {
		c := tag[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return 0 < len(tag) && len(tag) <= maxTag
}

func between(low, high float64) func(float64) bool {
	return func(v float64) bool { return low <= v && v <= high }
}

func atMost(characters int, s string) bool { return utf8.RuneCountInString(s) <= characters }
