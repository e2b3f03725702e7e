package waggle

import (
	"context"
	"slices"
)

// This file keeps the requests of a member apart, who has one at a time: an answer to an
// earlier one must not be taken for that of a later one.

// maxLeft is how many calls are remembered that ended before their outcome was known.
const maxLeft = 16

// otherRequest returns the id of an open request, except the one with this id, or nil. The
// server would answer a new one with its outcome. The error is a conflict if a Match waits
// for it. c.mu is held.
func (c *Client) otherRequest(id string) (*string, error) {
	for _, k := range c.calls {
		if k.match && k.id != id {
			return nil, newError(conflict(id, k.id))
		}
	}
	if r := c.view.request; r != nil && r.id != id {
		return &r.id, nil
	}
	for _, k := range c.left {
		if k.match && k.id != id {
			return &k.id, nil
		}
	}
	return nil, nil
}

// withdraw cancels a request that no Match waits for.
func (c *Client) withdraw(ctx context.Context, request string) error {
	ended, err := c.cancelRequest(ctx, request)
	if err == nil || isRefusal(err, CodeNotFound) {
		c.withdrawn(request, ended)
		return nil
	}
	return err
}

// conflict refuses the request with this id, since the member has another one.
func conflict(id, other string) *ErrorFrame {
	return &ErrorFrame{ID: id, Code: CodeConflict, Message: "the member has the request " + other, Retryable: true}
}

// withdrawn notes that a request is over, after the answer to its Cancel: an Ended, or nil if
// the server does not have the request. It tells an end that nobody else tells.
func (c *Client) withdrawn(id string, ended *Ended) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = slices.DeleteFunc(c.left, func(k *call) bool { return k.match && k.id == id })
	reason := Lost
	if ended != nil {
		reason = ended.Reason
	} else if r := c.view.request; r == nil || r.id != id {
		return
	}
	c.view.closeRequest(id)
	c.events.put(&Ended{ID: id, Reason: reason})
}

// openRequest returns the id of the request that Cancel means, or "".
func (c *Client) openRequest() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.calls {
		if k.match {
			return k.id
		}
	}
	if r := c.view.request; r != nil {
		return r.id
	}
	for _, k := range slices.Backward(c.left) {
		if k.match {
			return k.id
		}
	}
	return ""
}

// cancelRequest withdraws the request with this id, or whichever is open.
func (c *Client) cancelRequest(ctx context.Context, request string) (*Ended, error) {
	id := c.newID()
	return ask[*Ended](ctx, c, &call{id: id, cancel: true, of: request}, &Cancel{ID: id, Request: request})
}

// named returns a frame about a request as one with the id of the Match that opened it,
// whichever message it answers. It refuses the Match that was answered with the state of
// another request. c.mu is held.
func (c *Client) named(f Frame) Frame {
	switch f := f.(type) {
	case *Waiting:
		if f.Request != "" {
			c.refuse(f.Request, func(k *call) bool { return k.id == f.ID })
			return &Waiting{ID: f.Request, ExpiresAt: f.ExpiresAt}
		}
	case *Offered:
		if of := *f; f.Request != "" {
			c.refuse(f.Request, func(k *call) bool { return k.id == f.ID })
			of.ID, of.Request = f.Request, ""
			return &of
		}
	case *Matched:
		of := *f
		if f.Request != "" {
			of.ID, of.Request = f.Request, ""
		}
		if f.Role == Matcher && of.ID != "" && !slices.Contains(c.view.ended, f.Match) { // the member has no other match
			c.refuse(of.ID, func(k *call) bool { return k.id != of.ID })
		}
		return &of
	case *Ended:
		if over := c.requestOf(f); f.Match == "" && over != f.ID {
			c.view.closeRequest(f.ID) // the Cancel's answer may be repeated
			return &Ended{ID: over, Reason: f.Reason}
		}
	}
	return f
}

// refuse answers those Match calls with a conflict: the member has the other request.
func (c *Client) refuse(other string, those func(*call) bool) {
	for _, k := range c.calls {
		if k.match && those(k) {
			k.deliver(conflict(k.id, other))
		}
	}
}

// requestOf returns the id of the request that is over, or "": the answer to a Cancel has the
// id of that. c.mu is held.
func (c *Client) requestOf(f *Ended) string {
	for _, k := range slices.Concat(c.calls, c.left) {
		if k.cancel && k.id == f.ID {
			return k.of
		}
	}
	return f.ID
}

// leave remembers a Match or a Cancel whose outcome may still come; c.mu is held.
func (c *Client) leave(k *call) {
	if len(c.left) == maxLeft {
		c.left = c.left[1:]
	}
	c.left = append(c.left, k)
}

// forget forgets the calls that a frame answers and that nobody waits for; c.mu is held.
func (c *Client) forget(f Frame) {
	switch f.(type) {
	case *NoMatch, *Matched, *Ended, *ErrorFrame:
		id := frameID(f)
		c.left = slices.DeleteFunc(c.left, func(k *call) bool { return id != "" && k.id == id })
	}
}

// ledTo reports whether a match that a welcome names answers a Match: not if another request
// may have led to it, as the server then says. c.mu is held.
func (c *Client) ledTo(k *call, m *WelcomeMatch) bool {
	return m.Role != Matcher || k.sentOn != nil && k.before.match != m.Match && len(c.left) == 0
}
