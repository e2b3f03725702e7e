package waggle

import "slices"

// maxRemembered is how many ended matches are remembered, and how many requests.
const maxRemembered = 16

// A view is what the frames so far have said. It tells new frames from
// repeated ones, since the server may repeat a frame and frames may overtake
// each other.
type view struct {
	underWay
	at, seq int64    // order the peer's locations: those of the newest one
	ended   []string // the matches that ended last
	over    []string // the requests that were over last
	advice  Report
	offer   string       // the last match that was offered
	peer    PeerPresence // the newest of the match
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
// new, and returns a frame for each match and request that this one shows to
// be over though none said so. For a welcome, before is what was under way
// when the hello that it answers was sent.
func (v *view) apply(f Frame, before underWay) (over []Frame, fresh bool) {
	switch f := f.(type) {
	case *Welcome:
		v.advice = f.Report
		return v.welcome(f, before), true
	case *Ack:
		v.advice = f.Report
	case *Waiting:
		if r := v.request; r != nil && r.id == f.ID && r.deadline == f.ExpiresAt || slices.Contains(v.over, f.ID) {
			return nil, false
		}
		// The match that came of the request may have overtaken this frame.
		if v.match == "" {
			v.open(f.ID, f.ExpiresAt)
		}
	case *Offered:
		if slices.Contains(v.ended, f.Match) || f.Match == v.match || f.Match == v.offer {
			return nil, false
		}
		v.offer = f.Match
		if f.Role == Matcher {
			v.open(f.ID, f.ExpiresAt) // until then nothing else becomes of it
		}
	case *NoMatch:
		return nil, v.closeRequest(f.ID)
	case *Matched:
		if slices.Contains(v.ended, f.Match) || f.Match == v.match {
			return nil, false
		}
		v.advice = f.Report
		v.closeRequest(f.ID)
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
	case *PeerFrame:
		if slices.Contains(v.ended, f.Match) {
			return nil, false
		}
		if f.Match != v.match {
			over = v.begin(f.Match)
		}
		if f.Since <= v.peer.Since {
			return over, false
		}
		v.peer = f.PeerPresence
	case *NearbyFrame:
		return nil, false // it answers a call that was given up
	case *Said:
		if f.ID != "" || slices.Contains(v.ended, f.Match) {
			return nil, false
		}
		if f.Match != v.match {
			over = v.begin(f.Match)
		}
	case *Ended:
		if f.Match == "" {
			return nil, v.closeRequest(f.ID)
		}
		if v.request != nil && f.ID == v.request.id {
			v.closeRequest(f.ID)
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
func (v *view) welcome(f *Welcome, before underWay) (over []Frame) {
	held := v.request != nil && v.request == before.request
	switch {
	case f.Match != nil:
		if f.Match.Match != v.match && !slices.Contains(v.ended, f.Match.Match) {
			over = v.begin(f.Match.Match)
		}
		if p := f.Match.Presence; p != nil && p.Since > v.peer.Since {
			v.peer = *p
		} else if v.peer.Since > 0 && f.Match.Match == v.match {
			f.Match.Presence = &PeerPresence{v.peer.State, v.peer.Since} // a newer frame has overtaken the welcome
		}
		return over
	case held && (f.Offer == nil || f.Offer.Role != Matcher) && (f.Request == nil || f.Request.ID != v.request.id):
		over = append(over, v.loseRequest(f))
	}
	if f.Request != nil && v.match == before.match && !slices.Contains(v.over, f.Request.ID) {
		v.open(f.Request.ID, f.Request.ExpiresAt)
	}
	if v.match != "" && v.match == before.match {
		over = append(over, v.endForUnknownReason())
	}
	return over
}

// open notes the request. A member has at most one.
func (v *view) open(id string, deadline int64) {
	if v.request == nil || v.request.id != id {
		v.request = &request{id: id}
	}
	v.request.deadline = deadline
}

// loseRequest returns the frame that says that the request is over. A server that has lost
// it will not find anybody for it; otherwise the reason is not known.
func (v *view) loseRequest(f *Welcome) Frame {
	id := v.request.id
	v.closeRequest(id)
	if f.ID == "" {
		return &NoMatch{ID: id}
	}
	return &Ended{ID: id, Reason: Lost}
}

// closeRequest notes that a request is over: "" is whichever is open. It reports false if
// that was known.
func (v *view) closeRequest(id string) (fresh bool) {
	if v.request != nil && (id == "" || id == v.request.id) {
		v.request = nil
	}
	if id == "" {
		return true
	}
	if slices.Contains(v.over, id) {
		return false
	}
	v.over = remember(v.over, id)
	return true
}

// reopen notes that a request is asked for once more.
func (v *view) reopen(id string) {
	v.over = slices.DeleteFunc(v.over, func(other string) bool { return other == id })
}

// begin notes a match. One that was under way until now has ended without a frame.
func (v *view) begin(match string) (over []Frame) {
	if v.match != "" {
		over = append(over, v.endForUnknownReason())
	}
	v.match, v.at, v.seq, v.request, v.peer = match, -1, -1, nil, PeerPresence{}
	return over
}

func (v *view) endForUnknownReason() *Ended {
	ended := &Ended{Match: v.match, Reason: Lost}
	v.end(v.match)
	return ended
}

func (v *view) end(match string) {
	v.ended = remember(v.ended, match)
	if v.match == match {
		v.match = ""
	}
}

// remember appends an id, and forgets the oldest one of many.
func remember(ids []string, id string) []string {
	if len(ids) == maxRemembered {
		ids = ids[1:]
	}
	return append(ids, id)
}
