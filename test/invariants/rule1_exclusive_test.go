package invariants_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	"waggle/internal/protocol"
	"waggle/internal/store/records"
)

// TestRule1Exclusive lets a crowd match, end and cancel at the same time, and sends each
// message up to three times. At no moment is a member in two matches.
func TestRule1Exclusive(t *testing.T) {
	const members, rounds, steps = 12, 5, 12
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		var crowd []*client
		for i := range members {
			c := be.join(fmt.Sprintf("m%02d", i))
			c.at(p.Lat+float64(i)/1e4, []float64{p.Lng, q.Lng}[i%2])
			crowd = append(crowd, c)
		}
		matches := make(map[string]bool)
		for round := range rounds {
			stop := be.watch(crowd)
			var all sync.WaitGroup
			for i, c := range crowd {
				random := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				all.Go(func() { c.sendAtRandom(random, fmt.Sprint("r", round), steps) })
			}
			all.Wait()
			stop()
			for _, m := range be.checkPairs(crowd) {
				matches[m] = true
			}
			for _, c := range crowd {
				c.oneOutcomeEach()
			}
			if t.Failed() {
				return
			}
		}
		if len(matches) < rounds {
			t.Errorf("got %d matches after %d rounds: too few to show anything", len(matches), rounds)
		}
	})
}

// sendAtRandom sends random messages, each from one to three goroutines at the same time.
func (c *client) sendAtRandom(random *rand.Rand, round string, steps int) {
	lat, lng := 37.7749+random.Float64()/100, -122.38+random.Float64()/1000
	for step := range steps {
		action, fields := "cancel", ""
		switch n := random.IntN(10); {
		case n < 5:
			action, fields = "match", fmt.Sprintf(`"id":"%s.%d","wait":%d`, round, step, []int{0, 0, 30}[random.IntN(3)])
		case n < 8:
			for _, f := range c.sent() {
				if m, ok := f.(*protocol.Matched); ok {
					action, fields = "end", `"match":"`+m.Match+`"`
				}
			}
		case n < 9:
			action, fields = "location", fmt.Sprintf(`"lat":%v,"lng":%v,"seq":%d`, lat, lng, random.Int32())
		}
		var same sync.WaitGroup
		for range 1 + random.IntN(3) {
			same.Go(func() { c.send(action, fields) })
		}
		same.Wait()
	}
}

// checkPairs says hello for every member, and wants their matches to be pairs. It returns
// the matches.
func (be *backend) checkPairs(crowd []*client) (matches []string) {
	be.t.Helper()
	type side struct{ member, role, peer string }
	sides := make(map[string][]side)
	for _, c := range crowd {
		if m := c.hello().Match; m != nil {
			sides[m.Match] = append(sides[m.Match], side{`"` + c.id.Member + `"`, m.Role, string(m.Peer.Card)})
		}
	}
	for id, s := range sides {
		if len(s) != 2 || s[0].role == s[1].role || s[0].peer != s[1].member || s[1].peer != s[0].member {
			be.t.Errorf("match %s: %v", id, s)
		}
		matches = append(matches, id)
	}
	return matches
}

// oneOutcomeEach wants at most one outcome for each id of a request.
func (c *client) oneOutcomeEach() {
	c.t.Helper()
	outcomes := make(map[string]string)
	note := func(id, outcome string) {
		if id == "" {
			return
		}
		if was := outcomes[id]; was != "" && was != outcome {
			c.t.Errorf("%s asked under the id %s and got the outcomes %s and %s", c.id.Member, id, was, outcome)
		}
		outcomes[id] = outcome
	}
	for _, f := range c.sent() {
		switch f := f.(type) {
		case *protocol.Matched:
			note(f.ID, "match "+f.Match)
		case *protocol.NoMatch:
			note(f.ID, "no match")
		case *protocol.Ended:
			if f.Reason == protocol.ReasonLost {
				c.t.Errorf("%s lost its match %s, though no process died", c.id.Member, f.Match)
			}
			if f.Match != "" {
				note(f.ID, "match "+f.Match)
			} else {
				note(f.ID, "cancelled")
			}
		}
	}
}

// watch takes snapshots of the crowd and checks them, until stop is called.
func (be *backend) watch(crowd []*client) (stop func()) {
	script := `
		local flat = {}
		for i = 1, #KEYS, 2 do
			local m = redis.call('HMGET', KEYS[i], '` +
		strings.Join([]string{records.Short("claimMatcher"), records.Short("claimMatch"), records.Short("claimConfirmed")}, "', '") + `')
			local r = redis.call('HMGET', KEYS[i + 1], 'state', 'match', 'matchee')
			for j = 1, 3 do flat[#flat + 1] = m[j] or '' end
			for j = 1, 3 do flat[#flat + 1] = r[j] or '' end
		end
		return flat`
	var keys []string
	for _, c := range crowd {
		tag := "{" + c.id.Pool + "/" + c.id.Member + "}"
		keys = append(keys, "w3:m:"+tag, "w3:route:"+tag)
	}
	ctx, cancel := context.WithCancel(be.t.Context())
	snapshots, active := 0, 0
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			flat, err := be.direct.Do(be.t.Context(), be.direct.B().Arbitrary("EVAL", script, strconv.Itoa(len(keys))).Args(keys...).Build()).AsStrSlice()
			if err != nil {
				be.t.Error(err)
				return
			}
			snapshots++
			active += be.exclusive(crowd, flat)
		}
	})
	return func() {
		cancel()
		done.Wait()
		if snapshots == 0 || active == 0 {
			be.t.Errorf("saw %d matches in %d snapshots", active, snapshots)
		}
	}
}

// exclusive wants every member in at most one match of a snapshot. A match is an active
// route whose matchee has the claim of that match. It returns the number of matches.
func (be *backend) exclusive(crowd []*client, flat []string) (matches int) {
	type half struct{ claimMatcher, claimMatch, confirmed, state, match, matchee string }
	halves := make(map[string]half)
	for i, c := range crowd {
		f := flat[6*i:]
		halves[c.id.Member] = half{f[0], f[1], f[2], f[3], f[4], f[5]}
	}
	in := make(map[string]string)
	enter := func(member, match string) {
		if in[member] != "" {
			be.t.Errorf("%s is in the matches %s and %s at once", member, in[member], match)
		}
		in[member] = match
	}
	named := make(map[string]string)
	for matcher, r := range halves {
		if r.state == "active" {
			if named[r.matchee] != "" {
				be.t.Errorf("the routes of the matches %s and %s both name %s", named[r.matchee], r.match, r.matchee)
			}
			named[r.matchee] = r.match
		}
		if other := halves[r.matchee]; r.state == "active" && other.claimMatch == r.match && other.claimMatcher == matcher {
			matches++
			enter(matcher, r.match)
			enter(r.matchee, r.match)
		}
	}
	return matches
}
