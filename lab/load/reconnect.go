package load

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// reconnect cuts all connections at once, and checks that all members are back as they
// were.
func (r *runner) reconnect(ctx context.Context) {
	before := make(map[*pair]int)
	at := time.Now()
	for _, m := range r.members {
		m.mu.Lock()
		m.dropped = at
		m.mu.Unlock()
	}
	for _, m := range r.members {
		go m.client.Drop()
	}
	for time.Since(at) < returning && ctx.Err() == nil && r.away() > 0 {
		r.Progress("reconnect", 1-float64(r.away())/float64(len(r.members)))
		time.Sleep(50 * time.Millisecond)
	}
	r.check(ctx, "after the reconnect")
	for _, p := range r.pairs {
		before[p] = p.follower.seen()
	}
	// Each followed member reports within an interval, and its follower must see it.
	deadline := time.Now().Add(2*r.Interval() + patience)
	for time.Now().Before(deadline) && ctx.Err() == nil && len(before) > 0 {
		for p, seen := range before {
			if match, _ := p.follower.underWay(); p.follower.seen() > seen || match != p.match {
				delete(before, p)
			}
		}
		r.Progress("see whether the pushes arrive", 1-float64(len(before))/float64(len(r.pairs)))
		time.Sleep(50 * time.Millisecond)
	}
	if ctx.Err() != nil {
		return
	}
	for p := range before {
		r.isLost(p.follower, "sees no location of its peer after the reconnect")
	}
}

// check asks each member how things stand, and compares. A member is lost if it gets no
// answer, or if its match or request is gone and no frame has told it so.
func (r *runner) check(ctx context.Context, when string) {
	expected := make(map[*member]string)
	for _, p := range r.pairs {
		expected[p.follower], expected[p.member] = p.match, p.match
	}
	for _, m := range r.waiting {
		_, expected[m] = m.underWay()
	}
	r.each(ctx, r.members, func(deadline context.Context, m *member) {
		w, err := m.client.Hello(deadline)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			r.isLost(m, fmt.Sprintf("gets no answer %s: %v", when, err))
			return
		}
		match, request := "", ""
		if w.Match != nil {
			match = w.Match.Match
		} else {
			m.hasNoMatch() // whatever earlier frames said, as the protocol has it
		}
		if w.Request != nil {
			request = w.Request.ID
		}
		want, known := expected[m]
		switch {
		case !known || want == "" || want == match || want == request:
		case m.wasTold(want):
			r.wasTold()
		default:
			r.isLost(m, fmt.Sprintf("should be in %s %s: it is in match %q, request %q", want, when, match, request))
		}
	})
}

// checkFree looks for members who are in a match that has been ended.
func (r *runner) checkFree() {
	for _, m := range slices.Concat(r.reports, r.askers) {
		if match, _ := m.underWay(); match != "" && !slices.ContainsFunc(r.pairs, func(p *pair) bool { return p.member == m }) {
			r.isLost(m, "was not told of the end of "+match)
		}
	}
}

func (r *runner) away() (n int) {
	for _, m := range r.members {
		m.mu.Lock()
		if !m.dropped.IsZero() {
			n++
		}
		m.mu.Unlock()
	}
	return n
}

func (m *member) hasNoMatch() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.match = ""
}

func (m *member) seen() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pushes
}

func (m *member) wasTold(end string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.over[end]
}

func (r *runner) cameBack(after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.back = append(r.back, after)
}

func (r *runner) isLost(m *member, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = append(r.lost, m.name+" "+why)
}

func (r *runner) wasTold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told++
}
