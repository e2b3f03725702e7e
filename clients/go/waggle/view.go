package waggle

import "slices"

// keptEnded is how many ended matches are remembered.
const keptEnded = 16

// A view is what the client has been told so far, to know what is new. The
// server may repeat itself, and frames may overtake each other.
type view struct {
	standing
	at, seq int64 // of the peer's newest location in the match
	ended   []string
	advice  Report
}

// A standing is what is under way.
type standing struct {
	match   string   // or ""
	request *request // the open one, or nil
}

// A request is the same one for as long as it is open.
type request struct {
	id     string
	expiry int64 // epoch ms by the server's clock; 0: not told
}

// admit takes in a frame: fresh is whether it says anything new, and over what
// it shows to have ended without a word. asked is what was under way when a
// welcome was asked for.
func (v *view) admit(f Frame, asked standing) (over []*Ended, fresh bool) {
	switch f := f.(type) {
	case *Welcome:
		v.advice = f.Report
		return v.welcome(f, asked), true
	case *Ack:
		v.advice = f.Report
	case *Waiting:
		if r := v.request; r != nil && r.id == f.ID && r.expiry == f.ExpiresAt {
			return nil, false
		}
		// It may have been overtaken by the match it led to.
		if v.match == "" {
			v.open(f.ID, f.ExpiresAt)
		}
	case *NoMatch:
		v.request = nil
	case *Matched:
		if slices.Contains(v.ended, f.Match) || f.Match == v.match {
			return nil, false
		}
		v.advice = f.Report
		over = v.begin(f.Match)
	case *LocationFrame:
		if slices.Contains(v.ended, f.Match) {
			return nil, false
		}
		if f.Match != v.match {
			over = v.begin(f.Match)
		}
		if f.At < v.at || f.At == v.at && f.Seq <= v.seq {
			return over, false
		}
		v.at, v.seq = f.At, f.Seq
	case *Ended:
		if f.Match == "" || v.request != nil && f.ID == v.request.id {
			v.request = nil
		}
		if f.Match == "" {
			break
		}
		if slices.Contains(v.ended, f.Match) {
			return nil, false
		}
		v.end(f.Match)
	}
	return over, true
}

// welcome is the server's word on what was under way some time after it was
// asked. What it does not name is over if it was under way by then; what is
// newer may have overtaken it.
func (v *view) welcome(f *Welcome, asked standing) (over []*Ended) {
	switch {
	case f.Match != nil:
		if f.Match.Match != v.match && !slices.Contains(v.ended, f.Match.Match) {
			over = v.begin(f.Match.Match)
		}
		return over
	case f.Request != nil && v.match == asked.match:
		v.open(f.Request.ID, f.Request.ExpiresAt)
	case f.Request == nil && v.request != nil && v.request == asked.request:
		over = append(over, &Ended{ID: v.request.id, Reason: Lost})
		v.request = nil
	}
	if v.match != "" && v.match == asked.match {
		over = append(over, v.lose())
	}
	return over
}

// open notes the one request that a member can have.
func (v *view) open(id string, expiry int64) {
	if v.request == nil {
		v.request = new(request)
	}
	v.request.id, v.request.expiry = id, expiry
}

// begin takes the place of a match whose end was not told.
func (v *view) begin(match string) (over []*Ended) {
	if v.match != "" {
		over = append(over, v.lose())
	}
	v.match, v.at, v.seq, v.request = match, -1, -1, nil
	return over
}

// lose ends the match under way, for a reason that is not known.
func (v *view) lose() *Ended {
	ended := &Ended{Match: v.match, Reason: Lost}
	v.end(v.match)
	return ended
}

func (v *view) end(match string) {
	if len(v.ended) == keptEnded {
		v.ended = v.ended[1:]
	}
	v.ended = append(v.ended, match)
	if v.match == match {
		v.match = ""
	}
}
