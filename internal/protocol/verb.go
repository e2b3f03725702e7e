package protocol

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// A Verb is what the application's back end asks for: one of *MemberGet, *MemberDisconnect,
// *MemberForget, *MatchGet, *MatchCreate, *PoolCounts and *MatchEnd. The tags of its fields are those that Message explains.
type Verb interface {
	verb() string
	// InPool is the pool in which it is done.
	InPool() string
	// Subject names the members and the match that it is about, as keys and values by turns.
	Subject() []any
}

// OfMember is what every verb on one member names. It implements InPool and Subject of Verb.
type OfMember struct {
	Pool   string `json:"pool" required:"yes" range:"1 to 32"`
	Member string `json:"member" required:"yes" range:"1 to 128"`
}

// MemberGet asks what is stored of a member: the answer is a MemberState.
type MemberGet struct {
	OfMember
	Position bool `json:"position"` // the answer is to say where the member is
}

// MemberDisconnect ends a member's session: the answer is a Disconnected.
type MemberDisconnect struct {
	OfMember
	Reason string `json:"reason" range:"at most 128"` // for the member
}

// MemberForget erases what is stored of a member: the answer is a Forgotten.
type MemberForget struct{ OfMember }

// MatchGet asks how a match of a member stands, who is either of the two: the answer is a
// MatchState.
type MatchGet struct {
	OfMember
	Match string `json:"match" required:"yes" range:"1 to 64"`
}

// MatchCreate matches two members: the answer is a MatchState.
type MatchCreate struct {
	Pool    string `json:"pool" required:"yes" range:"1 to 32"`
	Matcher string `json:"matcher" required:"yes" range:"1 to 128"`
	Matchee string `json:"matchee" required:"yes" range:"1 to 128"`
	*Point         // what the matchee is shown; nil: where the matcher last reported to be
}

// PoolCounts asks how many members are available around a place: the answer is a Counts.
type PoolCounts struct {
	Pool string `json:"pool" required:"yes" range:"1 to 32"`
	Point
	Radius float64 `json:"radius" unit:"metres" range:"100 to 20000"` // 0: DefaultRadius
}

// MatchEnd ends a match of a member, who is either of the two, for both: the answer is an Ended.
type MatchEnd struct {
	OfMember
	Match  string `json:"match" required:"yes" range:"1 to 64"`
	Reason string `json:"reason" oneof:"completed,cancelled" default:"completed"`
}

// verbs returns the names of the verbs, in the order in which errors list them, and the shape of
// each.
var verbs = sync.OnceValues(func() (names []string, shapes map[string]*shape) {
	shapes = make(map[string]*shape)
	for _, v := range []Verb{&MemberGet{}, &MemberDisconnect{}, &MemberForget{}, &MatchGet{}, &MatchCreate{}, &MatchEnd{}, &PoolCounts{}} {
		names = append(names, v.verb())
		shapes[v.verb()] = shapeOf(reflect.TypeOf(v).Elem())
	}
	return names, shapes
})

// Verbs returns the names of all verbs, and the names of the fields of each.
func Verbs() (names []string, fields map[string][]string) {
	names, shapes := verbs()
	fields = make(map[string][]string)
	for name, s := range shapes {
		fields[name] = s.names()
	}
	return names, fields
}

// names are the names of the fields in an object of this shape.
func (s *shape) names() (all []string) {
	for _, f := range s.fields {
		if f.group != nil {
			all = append(all, f.group.names()...)
		} else {
			all = append(all, f.name)
		}
	}
	return all
}

// DecodeVerb reads {"verb": …, "pool": …}. A refusal is an *Error as of Decode, with one
// difference: an unknown field is refused. So nothing that the gateway makes is ever a verb, and a
// misspelt option is not ignored. Exactly one of the results is nil.
func DecodeVerb(body []byte) (Verb, *Error) {
	if len(body) > MaxMessageBytes {
		return nil, NewError(CodeTooLarge, "", fmt.Sprintf("a verb may have at most %d bytes", MaxMessageBytes))
	}
	object, wrong := parse(body)
	if wrong != "" {
		return nil, NewError(CodeInvalidMessage, "", wrong)
	}
	names, shapes := verbs()
	name := object["verb"].text
	if object["verb"].kind != '"' {
		return nil, NewError(CodeUnknownAction, "", "verb is required: one of "+strings.Join(names, ", "))
	}
	s := shapes[name]
	if s == nil {
		return nil, NewError(CodeUnknownAction, "", fmt.Sprintf("unknown verb %.32q: the verbs are %s", name, strings.Join(names, ", ")))
	}
	unknown := ""
	for _, field := range slices.Sorted(maps.Keys(object)) {
		if field != "verb" && unknown == "" && !slices.Contains(s.names(), field) {
			unknown = fmt.Sprintf("unknown field %.32q: %s takes %s", field, name, strings.Join(s.names(), ", "))
		}
	}
	v := reflect.New(s.of)
	if wrong := cmp.Or(unknown, s.read(v.Elem(), object)); wrong != "" {
		return nil, NewError(CodeInvalidMessage, "", wrong)
	}
	return v.Interface().(Verb), nil
}

// MemberState answers MemberGet. Times are in epoch ms by the cache's clock.
type MemberState struct {
	Pool        string          `json:"pool"`
	Member      string          `json:"member"`
	Now         int64           `json:"now"`
	Connected   bool            `json:"connected"`
	ConnectedAt int64           `json:"connectedAt"` // the begin of the last session, by the gateway's clock
	HeardAt     int64           `json:"heardAt"`     // the last sign of life
	Available   bool            `json:"available"`
	Tags        []string        `json:"tags"`               // never nil
	Fresh       bool            `json:"fresh"`              // its location is
	Location    *MemberLocation `json:"location,omitempty"` // only where it was asked for
	Match       *MemberMatch    `json:"match,omitempty"`
	Request     *MemberRequest  `json:"request,omitempty"`
	CoolDowns   int             `json:"coolDowns"` // members with whom it has a cool-down
	Unlisted    *Unlisted       `json:"unlisted,omitempty"`
}

// MemberLocation is a member's last position.
type MemberLocation struct {
	Lat float64 `json:"lat"`
	Lng float64 `json:"lng"`
	At  int64   `json:"at"`
}

// MemberMatch is the match under way of a member.
type MemberMatch struct {
	Match string `json:"match"`
	Role  string `json:"role"`
	Peer  string `json:"peer"`  // the peer's member id
	Since int64  `json:"since"` // when the matchee was claimed
}

// MemberRequest is the request under way of a member.
type MemberRequest struct {
	ID        string  `json:"id,omitempty"`
	Radius    float64 `json:"radius"`
	Wait      bool    `json:"wait"`
	CreatedAt int64   `json:"createdAt"`
	ExpiresAt int64   `json:"expiresAt"`
}

// Disconnected answers MemberDisconnect.
type Disconnected struct {
	Pool   string `json:"pool"`
	Member string `json:"member"`
	Closed bool   `json:"closed"` // false: the member had no connection
}

// Forgotten answers MemberForget.
type Forgotten struct {
	Pool   string `json:"pool"`
	Member string `json:"member"`
}

// MatchState answers MatchGet and MatchCreate. Times are in epoch ms by the cache's clock.
type MatchState struct {
	Pool    string `json:"pool"`
	Match   string `json:"match"`
	State   string `json:"state"`             // "searching", "active" or "ended"
	Matcher string `json:"matcher"`           // member ids
	Matchee string `json:"matchee,omitempty"` // "" while it is not known
	Since   int64  `json:"since,omitempty"`   // with active, in the answer to MatchGet: when the matchee was claimed
	EndedAt int64  `json:"endedAt,omitempty"` // with ended, as the reason
	Reason  string `json:"reason,omitempty"`
}

func (*MemberGet) verb() string        { return "member.get" }
func (*MemberDisconnect) verb() string { return "member.disconnect" }
func (*MemberForget) verb() string     { return "member.forget" }
func (*MatchGet) verb() string         { return "match.get" }
func (*MatchCreate) verb() string      { return "match.create" }
func (*PoolCounts) verb() string       { return "pool.counts" }
func (*MatchEnd) verb() string         { return "match.end" }

// VerbName returns the name of a verb, or "" for nil.
func VerbName(v Verb) string {
	if v == nil {
		return ""
	}
	return v.verb()
}

// InPool implements Verb.
func (o *OfMember) InPool() string { return o.Pool }

// InPool implements Verb.
func (v *PoolCounts) InPool() string { return v.Pool }

// Subject implements Verb.
func (v *PoolCounts) Subject() []any { return nil }

// InPool implements Verb.
func (v *MatchCreate) InPool() string { return v.Pool }

// Subject implements Verb.
func (o *OfMember) Subject() []any { return []any{"member", o.Member} }

// Subject implements Verb.
func (v *MatchGet) Subject() []any { return append(v.OfMember.Subject(), "match", v.Match) }

// Subject implements Verb.
func (v *MatchCreate) Subject() []any { return []any{"matcher", v.Matcher, "matchee", v.Matchee} }

// Subject implements Verb.
func (v *MatchEnd) Subject() []any { return append(v.OfMember.Subject(), "match", v.Match) }

func (*MemberState) frameType() string { return "member" }

// Counts answers PoolCounts.
type Counts struct {
	Pool      string      `json:"pool"`
	Available int         `json:"available"` // in all cells
	Cells     []CellCount `json:"cells"`     // those that the circle touches and that have members; never nil
}

func (*Counts) frameType() string       { return "counts" }
func (*MatchState) frameType() string   { return "match" }
func (*Forgotten) frameType() string    { return "forgotten" }
func (*Disconnected) frameType() string { return "disconnected" }
