package bench

import (
	"fmt"
	"math"
	"strings"
)

// A Use is what members do, and what Waggle runs on. docs/scale.md explains each number.
type Use struct {
	ReportSeconds  float64 // between two reports of a member
	MatchesPerHour float64 // of a member, as matcher or matchee
	Followed       float64 // share of the members whose reports are pushed
	HandlerSeconds float64 // of a function for one message
	Busy           float64 // share of a primary's core that may be in use
	Replicas       float64 // of each primary
}

// Usual is the use that docs/scale.md assumes.
func Usual() Use {
	return Use{ReportSeconds: 10, MatchesPerHour: 1, Followed: 0.1, HandlerSeconds: 0.010, Busy: 0.5, Replicas: 1}
}

// The default quotas of API Gateway and the longest connection.
const (
	requestQuota      = 10_000.0 // messages and posts a second
	connectQuota      = 500.0    // a second
	connectionSeconds = 7_200.0
)

// A Need is what so many members online need.
type Need struct {
	Messages, Posts, Connects float64 // a second
	Concurrency               float64 // of functions
	Cores                     float64 // of the cache that are in use
	Primaries                 float64
	Gigabytes                 float64 // of the cache, replicas included
}

// Need returns what members online need, by the costs in the result.
func (r Result) Need(members float64, l Use) Need {
	cost := func(names ...string) (seconds float64) {
		sizes := r.sizes()
		for _, name := range names {
			row, _ := r.row(ours, name, sizes[len(sizes)-1])
			seconds += row.Micros / 1e6
		}
		return seconds
	}
	reports, matches := members/l.ReportSeconds, members*l.MatchesPerHour/2/3600
	n := Need{Messages: reports + 2*matches, Posts: reports*l.Followed + 4*matches, Connects: members / connectionSeconds}
	n.Concurrency = n.Messages * l.HandlerSeconds
	n.Cores = reports*cost(steady) + matches*cost(matchRow, afterRow, endRow)
	n.Primaries = math.Ceil(n.Cores / l.Busy)
	for _, m := range r.Memory {
		if m.Server == r.Server {
			n.Gigabytes = members * m.Bytes * (1 + l.Replicas) / 1e9
		}
	}
	return n
}

// Scale returns the table of docs/scale.md.
func (r Result) Scale() string {
	var b strings.Builder
	online := []float64{100_000, 1_000_000, 10_000_000}
	columns := []string{"members online"}
	for _, members := range online {
		columns = append(columns, number(members))
	}
	head(&b, columns...)
	for _, row := range []struct {
		name string
		of   func(Need) string
	}{
		{"messages a second", func(n Need) string { return number(n.Messages) }},
		{"frames posted a second", func(n Need) string { return number(n.Posts) }},
		{"… both, against the default quota", func(n Need) string { return quota(n.Messages+n.Posts, requestQuota) }},
		{"connects a second", func(n Need) string { return number(n.Connects) }},
		{"… against the default quota", func(n Need) string { return quota(n.Connects, connectQuota) }},
		{"functions at the same time", func(n Need) string { return number(math.Ceil(n.Concurrency)) }},
		{"cores of the cache in use", func(n Need) string { return number(n.Cores) }},
		{"primaries", func(n Need) string { return number(n.Primaries) }},
		{"memory of the cache, GB", func(n Need) string { return number(n.Gigabytes) }},
	} {
		cells := []string{row.name}
		for _, members := range online {
			cells = append(cells, row.of(r.Need(members, Usual())))
		}
		line(&b, cells)
	}
	return b.String()
}

func quota(need, quota float64) string { return fmt.Sprintf("%s ×", number(need/quota)) }
