package waggle

import "slices"

// maxEnded is how many ended matches are remembered.
const maxEnded = 16

// A view is what the frames so far have said. It tells new frames from
// repeated ones, since the server may repeat a frame and frames may overtake
// each other.
type view struct {
	underWay
	at, seq int64    // order the peer's locations: those of the newest one
	ended   []string // the matches that ended last
	advice  Report
}

// underWay is the match or the request that a member has.
type underWay struct {
	match   string   // its id, or ""
	request *request // the open one, or nil
}

// A request stays the same pointer for as long as it is open.
type request struct {
	id       string
	deadline int64 // epoch ms by the server's clock; 0: unknown
}

// apply brings the view up to date. It reports whether the frame says anything
// new, and returns an Ended for each match and request that the frame shows to
// be over though no frame said so. For a welcome, before is what was under way
// when the hello that it answers was sent.
func (v *view) apply(f Frame, before underWay) (over []*Ended, fresh bool) {
	switch f := f.(type) {
	case *Welcome:
		v.advice = f.Report
		return v.welcome(f, before), true
	case *Ack:
		v.advice = f.Report
	case *Waiting:
		if r := v.request; r != nil && r.id == f.ID && r.deadline == f.ExpiresAt {
			return nil, false
		}
		// The match that came of the request may have overtaken this frame.
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

// welcome applies the server's statement of what is under way. What was under
// way before the hello, and is not named now, is over. What began after the
// hello stays: its frame may have overtaken the welcome.
func (v *view) welcome(f *Welcome, before underWay) (over []*Ended) {
	switch {
	case f.Match != nil:
		if f.Match.Match != v.match && !slices.Contains(v.ended, f.Match.Match) {
			over = v.begin(f.Match.Match)
		}
		return over
	case f.Request != nil && v.match == before.match:
		v.open(f.Request.ID, f.Request.ExpiresAt)
	case f.Request == nil && v.request != nil && v.request == before.request:
		over = append(over, &Ended{ID: v.request.id, Reason: Lost})
		v.request = nil
	}
	if v.match != "" && v.match == before.match {
		over = append(over, v.endForUnknownReason())
	}
	return over
}

// open notes the request. A member has at most one.
func (v *view) open(id string, deadline int64) {
	if v.request == nil {
		v.request = new(request)
	}
	v.request.id, v.request.deadline = id, deadline
}

// begin notes a match. One that was under way until now has ended without a frame.
func (v *view) begin(match string) (over []*Ended) {
	if v.match != "" {
		over = append(over, v.endForUnknownReason())
	}
	v.match, v.at, v.seq, v.request = match, -1, -1, nil
	return over
}

func (v *view) endForUnknownReason() *Ended {
	ended := &Ended{Match: v.match, Reason: Lost}
	v.end(v.match)
	return ended
}

func (v *view) end(match string) {
	if len(v.ended) == maxEnded {
		v.ended = v.ended[1:]
	}
	v.ended = append(v.ended, match)
	if v.match == match {
		v.match = ""
	}
}
