package replay

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"waggle/clients/go/waggle"
	"waggle/lab/record"
)

// A listener hears every frame of its member, in order for each direction. An
// error that it excuses is not counted.
type listener interface {
	hear(k record.Kind, f record.Frame, micros int64)
	excuses(f record.Frame) bool
}

// observed are the options of a member all of whose frames are recorded and counted.
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
			r.tally.error("unknown_frame") // such as the gateway's own, when a function crashed
		case f.Type == "error" && !l.excuses(f):
			r.tally.error(f.Code)
		}
		l.hear(kind, f, micros)
	}
	return o
}

// A cab reports, and is told who takes it.
type cab struct {
	*waggle.Client
	r    *runner
	seen chan struct{} // holds a token when a report before a probe was acknowledged
}

func (c *cab) hear(k record.Kind, f record.Frame, micros int64) {
	row, ofTrace := strings.CutPrefix(f.ID, record.ReportID)
	i, err := strconv.Atoi(row)
	ofTrace = ofTrace && err == nil && i >= 0 && i < len(c.r.Window.Reports)
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

func (c *cab) excuses(record.Frame) bool { return false }

// An asker excuses the refusal of its cancel: the request had just been answered.
type asker struct {
	mu     sync.Mutex
	cancel string // the message's id
}

func (a *asker) hear(_ record.Kind, f record.Frame, _ int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.Action == "cancel" {
		a.cancel = f.ID
	}
}

func (a *asker) excuses(f record.Frame) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cancel != "" && f.ID == a.cancel
}

// A passenger asks once, and knows when it did and when it knew what of.
type passenger struct {
	asker
	r *runner

	asked, waiting, told int64 // in the record; 0: not
	parting              bool  // it has ended or cancelled
	over                 bool  // an end was heard
}

func (p *passenger) hear(k record.Kind, f record.Frame, micros int64) {
	p.asker.hear(k, f, micros)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case f.Action == "match" && p.asked == 0:
		p.asked = micros
	case f.Action == "end", f.Action == "cancel":
		p.parting = true
	case f.Type == "waiting" && p.waiting == 0:
		p.waiting = micros
	case f.Type == "matched", f.Type == "welcome" && f.Match != "":
		if p.told == 0 {
			p.told = micros
		}
	case f.Type == "location":
		p.r.tally.seen()
	case f.Type == "ended":
		p.over = true
		if !p.parting { // nobody but the passenger ends a match here
			p.r.tally.error("ended_" + f.Reason)
		}
	}
}

// took is how long the match took, and whether it was waited for.
func (p *passenger) took() (micros int64, waited bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told - p.asked, p.waiting != 0
}

// ending tells whether the server has said that all is over.
func (p *passenger) ending() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}
