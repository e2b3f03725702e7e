package replay

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"waggle/clients/go/waggle"
	"waggle/lab/record"
)

// A listener gets each frame of its member, in order for each direction. An error that it
// expects is not counted.
type listener interface {
	hear(k record.Kind, f record.Frame, micros int64)
	expects(f record.Frame) bool
}

// observed returns the options of a member. They record and count each of its frames.
func (r *runner) observed(member string, l listener) waggle.Options {
	o := r.Options(member)
	o.Grace = r.fast(r.Grace)
	o.OnConnect = func(at time.Time) { r.note(at, record.Connected, member, "") }
	o.OnDisconnect = func(closed bool, at time.Time) {
		if closed {
			r.note(at, record.Closed, member, "")
			return
		}
		r.note(at, record.Lost, member, "")
		r.tally.lostConnection()
	}
	o.OnFrame = func(dir waggle.Direction, raw []byte, at time.Time) {
		micros, kind := r.clock.Micros(at), record.Received
		if dir == waggle.Sent {
			kind = record.Sent
		}
		r.Record.Frame(micros, kind, member, raw)
		f, ok := record.ParseFrame(raw)
		switch {
		case !ok:
			return
		case kind == record.Received && !f.Known():
			r.tally.error("unknown_frame") // such as API Gateway's own, after a function crashed
		case f.Type == "error" && !l.expects(f):
			r.tally.error(f.Code)
		}
		l.hear(kind, f, micros)
	}
	return o
}

// A cab reports, and is matched with passengers.
type cab struct {
	*waggle.Client
	name string
	r    *runner
	seen chan struct{} // holds a token when a report before a probe was acknowledged
}

func (c *cab) hear(k record.Kind, f record.Frame, micros int64) {
	row, ofTrace := strings.CutPrefix(f.ID, record.ReportID)
	i, err := strconv.Atoi(row)
	ofTrace = ofTrace && err == nil && i >= 0 && i < len(c.r.Window.Reports)
	c.r.tally.offered(f)
	if o := f.Offered(); o != nil && o.Role == "matchee" {
		c.r.offers.ask(c, o.Match)
	}
	switch {
	case f.Type == "welcome" && f.Match == "" && f.Report != nil:
		c.r.advised(*f.Report)
	case f.Action == "location" && ofTrace:
		c.r.tally.reported(micros - c.r.header.Wall(c.r.started, c.r.Window.Reports[i].Unix))
	case f.Type == "ack" && ofTrace:
		c.r.tally.acknowledged(i)
	case f.Type == "ack" && f.ID == beside:
		select {
		case c.seen <- struct{}{}:
		default:
		}
	}
}

func (c *cab) expects(record.Frame) bool { return false }

// An asker expects that its cancel may be refused: the request may have its outcome already.
type asker struct {
	mu     sync.Mutex
	cancel string // the id of its cancel
}

func (a *asker) hear(_ record.Kind, f record.Frame, _ int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.Action == "cancel" {
		a.cancel = f.ID
	}
}

func (a *asker) expects(f record.Frame) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cancel != "" && f.ID == a.cancel
}

// A passenger asks once. It notes when it asked, and when the outcome came.
type passenger struct {
	asker
	r    *runner
	name string

	asked, waiting, matched int64 // times of the record; 0: not yet
	offered                 bool  // a cab was asked
	leaving                 bool  // it has sent an end or a cancel
	over                    bool  // it was notified of an end
}

func (p *passenger) hear(k record.Kind, f record.Frame, micros int64) {
	p.asker.hear(k, f, micros)
	p.r.tally.offered(f)
	if o := f.Offered(); o != nil {
		p.r.offers.by(o.Match, p.name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case f.Action == "match" && p.asked == 0:
		p.asked = micros
	case f.Action == "end", f.Action == "cancel":
		p.leaving = true
	case f.Type == "waiting" && p.waiting == 0:
		p.waiting = micros
	case f.Type == "offered":
		p.offered = true
	case f.Type == "ended" && refusal(f): // the request goes on
	case f.Type == "matched", f.Type == "welcome" && f.Match != "":
		if p.matched == 0 {
			p.matched = micros
		}
	case f.Type == "location":
		p.r.tally.seen()
	case f.Type == "ended":
		p.over = true
		if !p.leaving { // only passengers end matches here
			p.r.tally.error("ended_" + f.Reason)
		}
	}
}

// took returns how long the match took, and whether the request waited.
func (p *passenger) took() (micros int64, waited bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.matched - p.asked, p.waiting != 0 || p.offered
}

// ended tells whether the server has notified the passenger of an end.
func (p *passenger) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}
