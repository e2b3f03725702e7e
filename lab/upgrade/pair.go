package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"waggle/clients/go/waggle"
)

// radius is that of every request, in metres: the least that the protocol allows.
const radius = 100

// standing is which pairs keep one match for the whole drill: each fourth one.
const standing = 4

// A pair is a member who asks, and one who is found. Nobody else is near.
type pair struct {
	r          *running
	number     int
	rnd        *rand.Rand
	asker, cab *member
	at         waggle.Point
}

func (r *running) connect(ctx context.Context, number int) (*pair, error) {
	p := &pair{r: r, number: number, rnd: rand.New(rand.NewPCG(r.seed, uint64(number))),
		at: waggle.Point{Lat: 37 + float64(number)*0.01, Lng: -122}}
	var err error
	if p.asker, err = r.member(ctx, fmt.Sprintf("asker-%d", number)); err != nil {
		return nil, err
	}
	if p.cab, err = r.member(ctx, fmt.Sprintf("cab-%d", number)); err != nil {
		p.asker.client.Close()
		return nil, err
	}
	return p, nil
}

func (p *pair) close() {
	p.asker.client.Close()
	p.cab.client.Close()
}

// play matches the pair again and again until the drill is over, or something is wrong.
func (p *pair) play() {
	for !p.r.isOver() && p.round() {
	}
}

// chance is true with a probability.
func (p *pair) chance(probability float64) bool { return p.rnd.Float64() < probability }

// round is one match from the request to the end.
func (p *pair) round() bool {
	stays := p.number%standing == 0
	waits, asked, share := p.chance(0.3), p.chance(0.4), p.chance(0.3)
	if !p.cab.report(p.near(!waits)) {
		return false
	}
	request := fmt.Sprintf("q%d", time.Now().UnixNano())
	m := waggle.Match{ID: request, Point: &p.at, Radius: radius, Wait: 120, Share: share}
	if asked {
		m.Confirm = 30
	}
	outcome := make(chan waggle.Outcome, 1)
	offers := p.cab.times("offered")
	go func() { outcome <- p.ask(m) }()
	if waits {
		if !p.asker.await("waiting "+request, 0) {
			return false
		}
		p.hold(0.1)
		if !p.cab.report(p.near(true)) {
			return false
		}
	}
	if asked {
		if !p.cab.await("offered", offers) {
			return false
		}
		if !stays && p.chance(0.2) {
			return p.decline(p.cab.offer()) && (<-outcome).Ended != nil
		}
		if !p.accept(p.cab.offer()) {
			return false
		}
	}
	matched := (<-outcome).Matched
	if matched == nil || !p.cab.await("matched "+matched.Match, 0) {
		p.r.isWrong("%s and %s were not both told of a match", p.asker.name, p.cab.name)
		return false
	}
	p.r.count(func(c *counts) { c.Matches++ })
	if !p.meet(matched.Match, share) {
		return false
	}
	for stays && !p.r.inLast() {
		<-p.r.untilNext()
		if !p.meet(matched.Match, share) {
			return false
		}
	}
	p.hold(0.02)
	return p.end(matched.Match)
}

// near is a report some metres from the place.
func (p *pair) near(available bool) waggle.Location {
	return waggle.Location{Lat: p.at.Lat + 0.0002*p.rnd.Float64(), Lng: p.at.Lng + 0.0002*p.rnd.Float64(), Available: &available}
}

// hold keeps what stands until the next phase, with a probability.
func (p *pair) hold(probability float64) {
	if !p.r.inLast() && p.chance(probability) {
		p.r.count(func(c *counts) { c.Held++ })
		<-p.r.untilNext()
	}
}

// ask asks, and returns the outcome. A phase or two may pass.
func (p *pair) ask(m waggle.Match) waggle.Outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 2*p.r.each+2*patience)
	defer cancel()
	out, err := p.asker.client.Match(ctx, m)
	if err != nil || out.NoMatch != nil {
		p.r.isWrong("%s has asked: %+v, %v", p.asker.name, out, err)
	}
	return out
}

// decline lets the cab decline. The request goes on, and is withdrawn.
func (p *pair) decline(match string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if ended, err := p.cab.client.Decline(ctx, match); err != nil {
		p.r.isWrong("%s could not decline: %+v, %v", p.cab.name, ended, err)
		return false
	}
	if !p.asker.await("ended "+match, 0) {
		return false
	}
	if ended, err := p.asker.client.Cancel(ctx); err != nil {
		p.r.isWrong("%s could not withdraw: %+v, %v", p.asker.name, ended, err)
		return false
	}
	return true
}

// accept lets the cab accept.
func (p *pair) accept(match string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := p.cab.client.Accept(ctx, match)
	if err != nil || out.Matched == nil {
		p.r.isWrong("%s could not accept: %+v, %v", p.cab.name, out, err)
		return false
	}
	p.r.count(func(c *counts) { c.Offers++ })
	return true
}

// meet passes on where both are and what they say. One of them may lose its connection, and must
// find the match again.
func (p *pair) meet(match string, share bool) bool {
	one, other := p.asker, p.cab
	if p.chance(0.5) {
		one, other = other, one
	}
	if p.chance(0.3) {
		before := one.times("welcome " + match)
		one.client.Drop()
		if !one.await("welcome "+match, before) {
			return false
		}
		p.r.count(func(c *counts) { c.Resumed++ })
	}
	seen := p.asker.times("location " + match)
	if !p.cab.report(p.near(true)) || !p.asker.await("location "+match, seen) {
		return false
	}
	if share {
		seen := p.cab.times("location " + match)
		if !p.asker.report(p.near(true)) || !p.cab.await("location "+match, seen) {
			return false
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	said := other.times("said " + match)
	if err := one.client.Say(ctx, match, "here"); err != nil {
		p.r.isWrong("%s: say: %v", one.name, err)
		return false
	}
	return other.await("said "+match, said)
}

// end lets one of them end the match.
func (p *pair) end(match string) bool {
	one, other := p.asker, p.cab
	if p.chance(0.3) {
		one, other = other, one
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if ended, err := one.client.End(ctx, match, waggle.Completed); err != nil || ended.Reason != waggle.Completed {
		p.r.isWrong("%s: end: %+v, %v", one.name, ended, err)
		return false
	}
	return other.await("ended "+match, 0)
}

// checkFree checks that both members can be matched again: nothing is left of what they did.
func (p *pair) checkFree() {
	for _, m := range []*member{p.asker, p.cab} {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		w, err := m.client.Hello(ctx)
		cancel()
		if err != nil || w.Match != nil || w.Offer != nil || w.Request != nil {
			p.r.isWrong("%s is stuck: %+v, %v", m.name, w, err)
		}
	}
}
