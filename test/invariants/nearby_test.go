package invariants_test

import (
	"fmt"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
)

// near asks as a member, and returns the counts of the cells that it is told.
func (c *client) near() map[geo.Cell]int {
	c.t.Helper()
	c.send("nearby", `"id":"n"`)
	counts := make(map[geo.Cell]int)
	for _, one := range want[*protocol.NearbyFrame](c).Cells {
		counts[geo.Cell(one.Cell)] = one.Count
	}
	return counts
}

// TestNobodyIsFollowedByCounting lets members come to a cell and leave it, while others ask from
// anywhere in it. The counts say what is true of whole cells, the same to all, and only from three on.
func TestNobodyIsFollowedByCounting(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		home, next := geo.ShardCell(geo.Point(p)), geo.ShardCell(geo.Point(q))
		ana, eve := be.join("ana"), be.join("eve")
		ana.send("nearby", "")
		ana.wantError(protocol.CodeConflict)
		ana.at(p.Lat, p.Lng, `"available":false`)
		eve.at(37.7749, -122.4194, `"available":false`)
		check := func(what string, want map[geo.Cell]int) {
			t.Helper()
			for _, c := range []*client{ana, eve} {
				if got := c.near(); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s: %s got %v, want %v", what, c.id.Member, got, want)
				}
			}
		}
		passes := func() { // the counts are made anew
			be.advance(match.CountKept + time.Millisecond)
			ana.at(p.Lat, p.Lng)
			eve.at(37.7749, -122.4194)
		}
		var crowd []*client
		for i := range 4 {
			c := be.join(fmt.Sprint("m", i))
			c.at(37.7749, -122.4194+float64(i)/1e4)
			crowd = append(crowd, c)
		}
		check("four", map[geo.Cell]int{home: 4})
		crowd[0].report(q.Lat, q.Lng)
		check("one leaves, and no count changes yet", map[geo.Cell]int{home: 4})
		be.advance(16 * time.Second)
		crowd[0].report(q.Lat, q.Lng) // its trailing listing is gone
		passes()
		check("three: the one who has left is not seen where it is", map[geo.Cell]int{home: 3})
		for _, c := range crowd[:2] {
			c.report(q.Lat, q.Lng)
		}
		be.advance(16 * time.Second)
		for _, c := range crowd[:2] {
			c.report(q.Lat, q.Lng)
		}
		for _, c := range crowd[2:] {
			c.report(37.7749, -122.4194)
		}
		passes()
		check("two in each", map[geo.Cell]int{})
		for _, c := range crowd[:2] {
			c.report(q.Lat, q.Lng)
		}
		crowd[2].report(q.Lat, q.Lng, `"available":false`)
		crowd[3].disconnect()
		be.join("m4").at(q.Lat, q.Lng)
		passes()
		check("three in the next cell", map[geo.Cell]int{next: 3})
		be.advance(time.Minute)
		ana.send("nearby", "")
		ana.wantError(protocol.CodeConflict)
	})
}

// TestAMemberMayAskSoOftenWhoIsNear counts what a refused question and a question cost.
func TestAMemberMayAskSoOftenWhoIsNear(t *testing.T) {
	onEach(t, "", func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ana.at(37.7749, -122.4194)
		ben.at(37.7749, -122.4194)
		ask := func(c *client, trips, commands int) {
			t.Helper()
			if _, gotTrips, gotCommands := be.count(0, func() { c.send("nearby", "") }); gotTrips != trips || gotCommands != commands {
				t.Errorf("got %d trips of %d commands, want %d of %d", gotTrips, gotCommands, trips, commands)
			}
		}
		ask(ana, 2, 8)
		for range 5 {
			ask(ana, 1, 1)
		}
		ask(ben, 1, 1) // what a process knows is for all
		ask(ana, 1, 1)
		e := ana.wantError(protocol.CodeRateLimited)
		if e.Message != "at most 6 nearby messages a minute in this pool" || !e.Retryable || e.RetryAfter <= 9 || e.RetryAfter > 10 {
			t.Errorf("got %+v", e)
		}
		be.advance(30 * time.Second)
		ask(ana, 2, 8)
	})
}
