package protocol_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/protocol"
)

func TestAVerbIsDecoded(t *testing.T) {
	ana := protocol.OfMember{Pool: "default", Member: "ana"}
	for text, want := range map[string]protocol.Verb{
		`{"verb":"member.get","pool":"default","member":"ana"}`:                        &protocol.MemberGet{OfMember: ana},
		`{"position":true,"member":"ana","pool":"default","verb":"member.get"}`:        &protocol.MemberGet{OfMember: ana, Position: true},
		`{"verb":"member.get","pool":"default","member":"ana","position":null}`:        &protocol.MemberGet{OfMember: ana},
		`{"verb":"member.disconnect","pool":"default","member":"ana"}`:                 &protocol.MemberDisconnect{OfMember: ana},
		`{"verb":"member.disconnect","pool":"default","member":"ana","reason":"over"}`: &protocol.MemberDisconnect{OfMember: ana, Reason: "over"},
		`{"verb":"pool.counts","pool":"default","lat":1,"lng":2}`:                      &protocol.PoolCounts{Pool: "default", Point: protocol.Point{Lat: 1, Lng: 2}},
		`{"verb":"pool.counts","pool":"default","lat":1,"lng":2,"radius":100}`:         &protocol.PoolCounts{Pool: "default", Point: protocol.Point{Lat: 1, Lng: 2}, Radius: 100},
		`{"verb":"member.forget","pool":"default","member":"ana"}`:                     &protocol.MemberForget{OfMember: ana},
		`{"verb":"match.get","pool":"default","member":"ana","match":"m"}`:             &protocol.MatchGet{OfMember: ana, Match: "m"},
		`{"verb":"match.create","pool":"default","matcher":"ana","matchee":"ben"}`:     &protocol.MatchCreate{Pool: "default", Matcher: "ana", Matchee: "ben"},
		`{"verb":"match.create","pool":"default","matcher":"ana","matchee":"ben","lat":1,"lng":180}`: &protocol.MatchCreate{Pool: "default", Matcher: "ana", Matchee: "ben",
			Point: &protocol.Point{Lat: 1, Lng: -180}},
		`{"verb":"match.end","pool":"default","member":"ana","match":"m"}`:                      &protocol.MatchEnd{OfMember: ana, Match: "m", Reason: "completed"},
		`{"verb":"match.end","pool":"default","member":"ana","match":"m","reason":"cancelled"}`: &protocol.MatchEnd{OfMember: ana, Match: "m", Reason: "cancelled"},
	} {
		got, refused := protocol.DecodeVerb([]byte(text))
		if refused != nil {
			t.Errorf("%s: %+v", text, refused)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestAVerbThatIsRefusedSaysWhatIsAllowed(t *testing.T) {
	names, _ := protocol.Verbs()
	all := strings.Join(names, ", ")
	for text, want := range map[string]protocol.Error{
		"":                                 {Code: protocol.CodeInvalidMessage, Message: "a message must be one JSON object: this is not valid JSON"},
		"[]":                               {Code: protocol.CodeInvalidMessage, Message: "a message must be one JSON object"},
		"null":                             {Code: protocol.CodeInvalidMessage, Message: "a message must be one JSON object"},
		`{"verb":"a","verb":"b"}`:          {Code: protocol.CodeInvalidMessage, Message: `the key "verb" is there more than once: it may be there once`},
		`{}`:                               {Code: protocol.CodeUnknownAction, Message: "verb is required: one of " + all},
		`{"verb":1}`:                       {Code: protocol.CodeUnknownAction, Message: "verb is required: one of " + all},
		`{"Verb":"member.get"}`:            {Code: protocol.CodeUnknownAction, Message: "verb is required: one of " + all},
		`{"verb":"member.put"}`:            {Code: protocol.CodeUnknownAction, Message: `unknown verb "member.put": the verbs are ` + all},
		`{"verb":"member.get"}`:            {Code: protocol.CodeInvalidMessage, Message: "pool is required: a string of 1 to 32 characters"},
		`{"verb":"member.get","pool":"p"}`: {Code: protocol.CodeInvalidMessage, Message: "member is required: a string of 1 to 128 characters"},
		`{"verb":"member.get","pool":"p","member":""}`:                                 {Code: protocol.CodeInvalidMessage, Message: "member must be a string of 1 to 128 characters"},
		`{"verb":"member.get","pool":"p","member":"a","positoin":true}`:                {Code: protocol.CodeInvalidMessage, Message: `unknown field "positoin": member.get takes pool, member, position`},
		`{"verb":"member.get","pool":"p","member":"a","requestContext":{}}`:            {Code: protocol.CodeInvalidMessage, Message: `unknown field "requestContext": member.get takes pool, member, position`},
		`{"verb":"member.get","pool":"p","member":"a","position":1}`:                   {Code: protocol.CodeInvalidMessage, Message: "position must be true or false"},
		`{"verb":"match.create","pool":"p","matcher":"a"}`:                             {Code: protocol.CodeInvalidMessage, Message: "matchee is required: a string of 1 to 128 characters"},
		`{"verb":"match.create","pool":"p","matcher":"a","matchee":"b","lat":1}`:       {Code: protocol.CodeInvalidMessage, Message: "lng is required: a number of degrees from -180 to 180, since lat is given"},
		`{"verb":"match.create","pool":"p","matcher":"a","matchee":"b","x":1}`:         {Code: protocol.CodeInvalidMessage, Message: `unknown field "x": match.create takes pool, matcher, matchee, lat, lng`},
		`{"verb":"pool.counts","pool":"p"}`:                                            {Code: protocol.CodeInvalidMessage, Message: "lat is required: a number of degrees from -85 to 85"},
		`{"verb":"pool.counts","pool":"p","lat":1,"lng":2,"radius":20001}`:             {Code: protocol.CodeInvalidMessage, Message: "radius must be a number of metres from 100 to 20000"},
		`{"verb":"match.end","pool":"p","member":"a"}`:                                 {Code: protocol.CodeInvalidMessage, Message: "match is required: a string of 1 to 64 characters"},
		`{"verb":"match.end","pool":"p","member":"a","match":"m","reason":"lost"}`:     {Code: protocol.CodeInvalidMessage, Message: `reason must be "completed" or "cancelled"`},
		`{"verb":"member.get"}` + strings.Repeat(" ", protocol.MaxMessageBytes):        {Code: protocol.CodeTooLarge, Message: "a verb may have at most 16384 bytes"},
		`{"verb":"member.get","pool":"p","member":"` + strings.Repeat("é", 129) + `"}`: {Code: protocol.CodeInvalidMessage, Message: "member must be a string of 1 to 128 characters"},
	} {
		v, got := protocol.DecodeVerb([]byte(text))
		if v != nil || got == nil {
			t.Errorf("%.100s: got %+v, want it refused", text, v)
			continue
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%.100s (-want +got):\n%s", text, diff)
		}
	}
}
