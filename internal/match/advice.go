package match

import (
	"math"
	"time"

	"waggle/internal/pool"
	"waggle/internal/protocol"
)

// Advice says when a member should report next, by the use of its location.
type Advice string

// The kinds.
const (
	Watched     Advice = "watched"     // a matcher follows the member
	Watching    Advice = "watching"    // the member follows its matchee, or its request waits
	Available   Advice = "available"   // the member may be found
	Unavailable Advice = "unavailable" // nobody may find it
	Unlisted    Advice = "unlisted"    // nobody finds it for a while: it ended too many matches early
)

// Report returns the advice for a pool, as sent to members whose reports are so old on arrival. A
// followed member should report every few seconds. An available member must not become stale or
// move far from its listing, nor a member whose match ends. The request of a member that follows
// the advice is never passed over. For the others a rare report is enough: it keeps the
// connection open.
func (a Advice) Report(s pool.Settings, lag time.Duration) protocol.Report {
	// A third of the time that is left is for the way.
	fresh := max((s.LocationTTL-lag)*2/3, s.LocationTTL/60).Truncate(100 * time.Millisecond)
	switch a {
	case Watched:
		return advise(min(3*time.Second, s.LocationTTL/3, fresh), 15)
	case Watching:
		return advise(min(s.Grace/3, s.LocationTTL/2, fresh), 1000)
	case Available:
		return advise(min(Advised, s.LocationTTL/2, s.Grace/2, fresh), 50)
	default:
		return advise(5*time.Minute, 1000)
	}
}

// unlisted is what a member is sent who is not listed until then, nil if the time is 0. Unless the
// advice is nil, it has the member advised to report right after that, which lists it anew.
func unlisted(until, now int64, r *protocol.Report) *protocol.Unlisted {
	if until == 0 {
		return nil
	}
	if r != nil {
		r.AfterSeconds = min(r.AfterSeconds, math.Ceil(float64(until-now)/1000))
	}
	return &protocol.Unlisted{Until: until, Reason: protocol.ReasonEndedEarly}
}

func advise(after time.Duration, meters float64) protocol.Report {
	return protocol.Report{AfterSeconds: after.Seconds(), MoveMeters: meters}
}
