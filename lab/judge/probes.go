package judge

import (
	"strconv"
	"strings"
)

// repairTime is how long after the last end a cab may take to become free.
const repairTime = 20 * second

// A probe is the result of probing one cab.
type probe struct{ free, bound bool }

// probed notes the outcome of a probe's request. It ignores a probe that came too early,
// or beside a cab that had not just reported.
func (j *judge) probed(q *request) {
	i, err := strconv.Atoi(strings.TrimPrefix(q.by.name, j.header.Probes))
	if err != nil || i < 0 || i >= len(j.probes) {
		return
	}
	cab := j.members[j.window.Cabs[i]]
	if q.outcome == matched {
		if q.match.matchee == cab && cab != nil {
			j.probes[i].free = true
			return
		}
	} else if q.outcome != noMatch {
		return
	}
	if cab == nil || q.sent < j.lastEnd+repairTime {
		return
	}
	spots, known := cab.spots(q.sent, q.outcomeAt, nil)
	if len(spots) != 1 || !known || spots[0].at.meters(q.at) > q.radius-tolerance {
		return
	}
	if c, _ := cab.fresh(q.sent, q.outcomeAt, spots, known, j.ttl); c == yes {
		j.probes[i].bound = true
	}
}

// stuck counts the cabs that no probe was matched with.
func (j *judge) stuck() {
	for i, p := range j.probes {
		if p.free || p.bound {
			j.verdict.Probed++
		}
		if p.bound && !p.free {
			j.verdict.Stuck++
			j.find("stuck", j.now, "cab %s could not be matched by a probe beside it", j.window.Cabs[i])
		}
	}
}
