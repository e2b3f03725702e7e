package store

import (
	"errors"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"
)

// A Trip is a trip to the cache that has ended.
type Trip struct {
	Took    time.Duration
	Repeats bool // it sent again what a trip before has sent
	Result  TripResult
}

// A TripResult is what became of a trip: of several calls, the first that failed.
type TripResult string

// The results.
const (
	TripOK              TripResult = "ok"
	TripUnreachable     TripResult = "unreachable"       // no connection could be made
	TripSignInThrottled TripResult = "sign_in_throttled" // ElastiCache puts off a sign-in by IAM
	TripSignInRefused   TripResult = "sign_in_refused"
	TripForbidden       TripResult = "forbidden"    // the user may not run a command
	TripNoWrites        TripResult = "no_writes"    // the cache is full, or takes no writes for another reason
	TripNotReady        TripResult = "not_ready"    // a server is starting, or a slot is moving
	TripNotLoaded       TripResult = "not_loaded"   // the node does not have the library: a text follows
	TripScriptError     TripResult = "script_error" // a script is broken
	TripNoReply         TripResult = "no_reply"     // none in time, or the connection broke
)

// refusedSignIn is an error of signing in, in words that help.
type refusedSignIn struct{ error }

func resultOf(err error) TripResult {
	if err == nil || valkey.IsValkeyNil(err) {
		return TripOK
	}
	if _, is := errors.AsType[refusedSignIn](err); is {
		return TripSignInRefused
	}
	if before, is := errors.AsType[unsent](err); is {
		if reply, is := errors.AsType[*valkey.ValkeyError](before.error); is && begins(reply, "WRONGPASS", "NOAUTH", "NOPERM") {
			return TripSignInRefused
		}
	}
	reply, replied := valkey.IsValkeyErr(err)
	switch {
	case unreached(err) && strings.Contains(err.Error(), "IAM Authentication"):
		return TripSignInThrottled
	case unreached(err):
		return TripUnreachable
	case !replied:
		return TripNoReply
	case begins(reply, "WRONGPASS", "NOAUTH"):
		return TripSignInRefused
	case begins(reply, "NOPERM"), strings.Contains(reply.Error(), "ACL failure in script"), strings.Contains(reply.Error(), "The user executing the script can't"):
		return TripForbidden
	case noFunction(err):
		return TripNotLoaded
	case passing(reply):
		return TripNotReady
	case transient(reply):
		return TripNoWrites
	case strings.Contains(reply.Error(), leftHalfDone):
		return TripNotReady
	}
	return TripScriptError
}
