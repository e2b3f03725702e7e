package judge

import (
	"strconv"
	"strings"
)

// healing is how long after the last end a cab may take to come free.
const healing = 20 * second

// A probe is what is known of one cab at the end.
type probe struct{ free, bound bool }

// probed takes in what became of a probe's request. What says nothing of the cab
// is left out: one too early, or beside a cab that had not just reported.
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
	if cab == nil || q.sent < j.lastEnd+healing {
		return
	}
	spots, known := cab.spots(q.sent, q.told, nil)
	if len(spots) != 1 || !known || spots[0].at.meters(q.at) > q.radius-aside {
		return
	}
	if c, _ := cab.fresh(q.sent, q.told, spots, known, j.ttl); c == yes {
		j.probes[i].bound = true
	}
}

// stuck counts the cabs that no probe could have.
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
