package waggle

import "slices"

// keptEnded is how many ended matches are remembered.
const keptEnded = 16

// A view is what the client has been told so far, to know what is new. The
// server may repeat itself, and frames may overtake each other.
type view struct {
	match      string // under way, or ""
	at, seq    int64  // of the peer's newest location in it
	ended      []string
	waiting    bool  // a request is open
	waitExpiry int64 // until when, epoch ms by the server's clock; 0: not told
	advice     Report
}

// admit takes in a frame, and reports whether it says anything new.
func (v *view) admit(f Frame) bool {
	switch f := f.(type) {
	case *Welcome:
		v.advice = f.Report
		v.welcome(f)
	case *Ack:
		v.advice = f.Report
	case *Waiting:
		// It may have been overtaken by the match it led to.
		if v.match == "" {
			v.waiting, v.waitExpiry = true, f.ExpiresAt
		}
	case *NoMatch:
		v.waiting = false
	case *Matched:
		if slices.Contains(v.ended, f.Match) || f.Match == v.match {
			return false
		}
		v.advice = f.Report
		v.begin(f.Match)
	case *LocationFrame:
		if slices.Contains(v.ended, f.Match) {
			return false
		}
		if f.Match != v.match {
			v.begin(f.Match)
		}
		if f.At < v.at || f.At == v.at && f.Seq <= v.seq {
			return false
		}
		v.at, v.seq = f.At, f.Seq
	case *Ended:
		if f.Match == "" {
			v.waiting = false
			return true
		}
		if slices.Contains(v.ended, f.Match) {
			return false
		}
		v.end(f.Match)
	}
	return true
}

// welcome is the server's whole word on what is under way. A match it does
// not name is not marked as ended: the frame may have been overtaken by the
// match's own.
func (v *view) welcome(f *Welcome) {
	v.waiting = f.Request != nil
	if f.Request != nil {
		v.waitExpiry = f.Request.ExpiresAt
	}
	switch {
	case f.Match == nil:
		v.match = ""
	case f.Match.Match != v.match && !slices.Contains(v.ended, f.Match.Match):
		v.begin(f.Match.Match)
	}
}

func (v *view) begin(match string) {
	if v.match != "" {
		v.end(v.match)
	}
	v.match, v.at, v.seq, v.waiting = match, -1, -1, false
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
