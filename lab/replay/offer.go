package replay

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"waggle/clients/go/waggle"
	"waggle/lab/record"
)

// Drivers is how drivers answer offers. What a driver does with a passenger's request depends
// only on the seed, the number of the passenger, and the cab.
type Drivers struct {
	Seed uint64
	// Decline and Silent are the shares of the offers that are declined, and not answered.
	Decline, Silent float64
}

// An Answer is what a driver does with an offer.
type Answer int

// The answers.
const (
	Accepts Answer = iota
	Declines
	Ignores
)

// Answer draws the answer of a cab to a passenger.
func (d Drivers) Answer(passenger, cab string) Answer {
	h := fnv.New64a()
	_, _ = h.Write([]byte(passenger + " " + cab)) // a hash never fails
	switch drawn := rand.New(rand.NewPCG(d.Seed, h.Sum64())).Float64(); {
	case drawn < d.Decline:
		return Declines
	case drawn < d.Decline+d.Silent:
		return Ignores
	}
	return Accepts
}

// offers are the offers whose passenger or cab is known.
type offers struct {
	mu        sync.Mutex
	all       map[string]*asked // by match
	answering sync.WaitGroup
}

// An asked is an offer. known is closed when its passenger is known.
type asked struct {
	passenger string
	known     chan struct{}
	answered  bool
}

// of returns an offer; o.mu is held.
func (o *offers) of(match string) *asked {
	if o.all == nil {
		o.all = map[string]*asked{}
	}
	a := o.all[match]
	if a == nil {
		a = &asked{known: make(chan struct{})}
		o.all[match] = a
	}
	return a
}

// by notes which passenger an offer is for.
func (o *offers) by(match, passenger string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if a := o.of(match); a.passenger == "" {
		a.passenger = passenger
		close(a.known)
	}
}

// ask lets a cab answer an offer, once.
func (o *offers) ask(c *cab, match string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.of(match)
	if a.answered {
		return
	}
	a.answered = true
	o.answering.Go(func() { c.answer(match, a) })
}

// answer thinks for a quarter of the time, and answers. A passenger who was not told of the
// offer by then is not known, and gets accepted.
func (c *cab) answer(match string, a *asked) {
	time.Sleep(c.r.fast(c.r.Confirm) / 4)
	what := Accepts
	select {
	case <-a.known:
		what = c.r.Drivers.Answer(a.passenger[len(c.r.header.Passengers):], c.name)
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	switch what {
	case Accepts:
		_, err = c.Accept(ctx, match)
	case Declines:
		_, err = c.Decline(ctx, match)
	}
	var refused *waggle.Error
	if err != nil && !errors.As(err, &refused) {
		c.r.failed(c.name, err)
	}
}

// An offerState is what is known of an offer or a match.
type offerState struct{ offered, over bool }

// offered counts an offer, and its outcome.
func (t *tally) offered(f record.Frame) {
	t.mu.Lock()
	defer t.mu.Unlock()
	match := f.Match
	o := f.Offered()
	if o != nil {
		match = o.Match
	}
	s := t.offers[match]
	count := func(n *int) {
		if s.offered && !s.over {
			*n++
		}
		s.over = true
	}
	switch {
	case match == "":
		return
	case o != nil && !s.offered:
		s.offered = true
		t.r.Offers++
	case f.Type == "matched", f.Type == "welcome" && o == nil:
		count(&t.r.Accepted)
	case f.Type == "ended" && f.Reason == "declined":
		count(&t.r.Declined)
	case f.Type == "ended" && f.Reason == "expired":
		count(&t.r.Expired)
	case f.Type == "ended":
		s.over = true
	default:
		return
	}
	t.offers[match] = s
}

// refusal tells whether an ended says that a cab was asked in vain.
func refusal(f record.Frame) bool { return f.Reason == "declined" || f.Reason == "expired" }
