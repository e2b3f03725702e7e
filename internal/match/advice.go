package match

import (
	"time"

	"waggle/internal/pool"
	"waggle/internal/protocol"
)

// Advice is a kind of reporting advice, by what the location is wanted for.
type Advice string

// The kinds.
const (
	Watched     Advice = "watched"     // a matcher watches the member
	Watching    Advice = "watching"    // the member watches its matchee
	Available   Advice = "available"   // the member may be found
	Unavailable Advice = "unavailable" // nobody may find it
)

// Report says when the next location is wanted. A watched member is worth a
// message every few seconds; a findable one must not go stale, nor be far from
// where it is listed; of the others a sign of life is enough.
func (a Advice) Report(s pool.Settings) protocol.Report {
	switch a {
	case Watched:
		return advise(min(3*time.Second, s.LocationTTL/3), 15)
	case Watching:
		return advise(s.Grace/3, 1000)
	case Available:
		return advise(min(30*time.Second, s.LocationTTL/2), 50)
	default:
		return advise(max(5*time.Minute, s.LocationTTL), 1000)
	}
}

func advise(after time.Duration, meters float64) protocol.Report {
	return protocol.Report{AfterSeconds: after.Seconds(), MoveMeters: meters}
}
