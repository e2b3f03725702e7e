package replay_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

// A server is just enough of Waggle to play a trace against: it matches the nearest free
// member within the radius.
type server struct {
	*waggletest.Server
	refuse string // answers match with this error code
	silent bool   // never answers match
	sticky bool   // never releases a matchee
	cut    bool   // closes a socket once after three reports
	lose   string // this match ends at its cab's next report, and only the passenger is notified
	crash  bool   // answers a cab's second report like API Gateway after a crash of the function
	advice waggle.Report

	mu      sync.Mutex
	members map[string]*member
	matches int
}

type member struct {
	socket   *waggletest.Socket
	lat, lng float64
	located  bool
	reports  int
	match    string // the active one
	role     string // in the match
	peer     *member
}

func newServer() *server {
	c := &server{members: map[string]*member{}}
	c.Server = waggletest.NewServer(c.serve)
	return c
}

func (c *server) options(id string) waggle.Options {
	return waggle.Options{
		URL: c.URL(), HTTPClient: c.HTTPClient(),
		Token: func(context.Context) (string, error) { return id, nil },
	}
}

func (c *server) serve(s *waggletest.Socket) {
	c.mu.Lock()
	me := c.members[s.Token]
	if me == nil {
		me = &member{}
		c.members[s.Token] = me
	}
	me.socket = s
	c.mu.Unlock()
	for {
		m, ok := s.Receive()
		if !ok {
			return
		}
		for to, f := range c.handle(me, m) {
			to.Push(f)
		}
		if m.Action == "location" {
			if me.reports++; c.crash && me.reports == 2 {
				s.PushRaw(`{"message":"Internal server error"}`)
			}
			if c.cut && me.reports == 3 {
				return
			}
		}
	}
}

func (c *server) handle(me *member, m waggletest.Message) map[*waggletest.Socket]waggle.Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[*waggletest.Socket]waggle.Frame{}
	switch m.Action {
	case "hello":
		w := &waggle.Welcome{ID: m.ID, Now: time.Now().UnixMilli(), Report: c.advice}
		if me.match != "" {
			w.Match = &waggle.WelcomeMatch{Match: me.match, Role: me.role, Peer: waggle.Peer{Lat: me.peer.lat, Lng: me.peer.lng}}
		}
		out[me.socket] = w
	case "ping":
		out[me.socket] = &waggle.Pong{ID: m.ID}
	case "location":
		me.lat, me.lng, me.located = *m.Lat, *m.Lng, true
		out[me.socket] = &waggle.Ack{ID: m.ID}
		if me.peer != nil && me.match == c.lose {
			out[me.peer.socket] = &waggle.Ended{Match: me.match, Reason: "lost"}
			me.peer.match, me.peer.peer, me.match, me.peer = "", nil, "", nil
			break
		}
		if me.peer != nil {
			out[me.peer.socket] = &waggle.LocationFrame{Match: me.match, Lat: me.lat, Lng: me.lng, At: time.Now().UnixMilli()}
		}
	case "match":
		c.match(me, m, out)
	case "cancel":
		out[me.socket] = &waggle.Ended{ID: m.ID, Reason: "cancelled"}
	case "end":
		if me.match != m.Match {
			out[me.socket] = &waggle.ErrorFrame{ID: m.ID, Code: "not_found"}
			break
		}
		ended := &waggle.Ended{Match: m.Match, Reason: "completed"}
		out[me.socket], out[me.peer.socket] = ended, ended
		if !c.sticky {
			me.peer.match, me.peer.peer = "", nil
		}
		me.match, me.peer = "", nil
	}
	return out
}

func (c *server) match(me *member, m waggletest.Message, out map[*waggletest.Socket]waggle.Frame) {
	if c.silent {
		return
	}
	if c.refuse != "" {
		out[me.socket] = &waggle.ErrorFrame{ID: m.ID, Code: "conflict"}
		return
	}
	var nearest *member
	best := m.Radius
	if best == 0 {
		best = 3000
	}
	for _, other := range c.members {
		if d := metersPerDegree * math.Hypot(other.lat-*m.Lat, other.lng-*m.Lng); other.located && other.match == "" && d < best {
			nearest, best = other, d
		}
	}
	if nearest == nil {
		out[me.socket] = &waggle.NoMatch{ID: m.ID, Radius: 3000}
		return
	}
	c.matches++
	me.match = fmt.Sprint("m", c.matches)
	me.peer, nearest.match, nearest.peer = nearest, me.match, me
	me.role, nearest.role = "matcher", "matchee"
	me.lat, me.lng = *m.Lat, *m.Lng // what the cab may see of the passenger
	out[nearest.socket] = &waggle.Matched{Match: me.match, Role: "matchee", Peer: waggle.Peer{Lat: *m.Lat, Lng: *m.Lng, Distance: best}}
	out[me.socket] = &waggle.Matched{ID: m.ID, Match: me.match, Role: "matcher", Peer: waggle.Peer{Lat: nearest.lat, Lng: nearest.lng, Distance: best}}
}

// metersPerDegree along a meridian; near enough along a parallel, here.
const metersPerDegree = 111_195

// inMatch lists the members that are in a match.
func (c *server) inMatch() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for id, m := range c.members {
		if m.match != "" {
			all = append(all, id)
		}
	}
	return strings.Join(all, " ")
}
