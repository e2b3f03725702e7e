package invariants_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"waggle/internal/protocol"
)

var errRefused = errors.New("429: the client reads nothing")

// refusing runs an operation while every push to the client is refused.
func (c *client) refusing(operation func()) {
	hook := pushHook(func(_ context.Context, kind, connection string, deliver func() error) error {
		if connection == c.connection && kind != "close" {
			return errRefused
		}
		return deliver()
	})
	c.pushHook.Store(&hook)
	operation()
	c.pushHook.Store(nil)
}

// A notice is something that a member must know: how a scene comes to it, who must know it, and
// how a frame says it.
type notice struct {
	name    string
	prepare func(*scene)
	happens func(*scene)
	to      func(*scene) *client
	says    func(*scene, protocol.Frame) bool
}

func notices() []notice {
	ana, ben := func(s *scene) *client { return s.a }, func(s *scene) *client { return s.b }
	near := func(s *scene) { s.b.at(s.q.Lat, s.q.Lng) }
	none := func(*scene) {}
	match := func(s *scene) { s.a.send("match", `"id":"m"`) }
	end := func(s *scene) { s.b.send("end", `"match":"`+s.match+`","reason":"cancelled"`) }
	matched := func(role, id string) func(*scene, protocol.Frame) bool {
		return func(_ *scene, f protocol.Frame) bool {
			return is(f, func(m *protocol.Matched) bool { return m.Role == role && (m.ID == id || m.ID == "other") }) // or it answers that message
		}
	}
	ended := func(id, reason string) func(*scene, protocol.Frame) bool {
		return func(s *scene, f protocol.Frame) bool {
			return is(f, func(e *protocol.Ended) bool { return e.Match == s.match && e.ID == id && e.Reason == reason })
		}
	}
	noMatch := func(_ *scene, f protocol.Frame) bool {
		return is(f, func(n *protocol.NoMatch) bool { return n.ID == "m" && n.Radius == 500 })
	}
	return []notice{
		{"a matcher of its match", near, match, ana, matched(protocol.RoleMatcher, "m")},
		{"a matchee of its match", near, match, ben, matched(protocol.RoleMatchee, "")},
		{"a waiting matcher of its match", func(s *scene) { s.a.send("match", `"id":"m","wait":300`) }, near, ana, matched(protocol.RoleMatcher, "m")},
		{"a waiting matchee of its match", func(s *scene) {
			s.b.send("match", fmt.Sprintf(`"id":"n","wait":300,"radius":100,"lat":%v,"lng":%v`, s.far.Lat, s.far.Lng))
			s.b.at(s.q.Lat, s.q.Lng)
		}, match, ben, matched(protocol.RoleMatchee, "n")},
		{"a matchee of its offer", near, func(s *scene) { s.a.send("match", `"id":"m","confirm":60`) }, ben, func(_ *scene, f protocol.Frame) bool {
			return is(f, func(o *protocol.Offered) bool { return o.Role == protocol.RoleMatchee && o.ID == "" })
		}},
		{"a matcher of the end of its offer", func(s *scene) {
			near(s)
			s.a.send("match", `"id":"m","confirm":60`)
			s.match = want[*protocol.Offered](s.a).Match
		}, func(s *scene) { s.b.send("decline", `"match":"`+s.match+`"`) }, ana, ended("", "declined")},
		{"a matcher of the end", (*scene).pair, end, ana, ended("m", "cancelled")},
		{"a matchee of the end that it asked for", (*scene).pair, end, ben, ended("", "cancelled")},
		{"a matchee of the end", (*scene).pair, func(s *scene) { s.a.send("end", `"match":"`+s.match+`"`) }, ben, ended("", "completed")},
		{"a matcher that nobody was found", none, func(s *scene) { s.a.send("match", `"id":"m","radius":500`) }, ana, noMatch},
		{"a matcher that its waiting request is over", func(s *scene) { s.a.send("match", `"id":"m","radius":500,"wait":1`) },
			func(s *scene) { s.advance(time.Second); s.a.send("ping", "") }, ana, noMatch},
		{"a matchee of changed advice", near, func(s *scene) { s.b.report(s.q.Lat, s.q.Lng, `"available":false`) }, ben, func(_ *scene, f protocol.Frame) bool {
			return is(f, func(a *protocol.Ack) bool { return a.Report.AfterSeconds == 300 })
		}},
		{"a member that the cache has lost its session", near, func(s *scene) { s.flush() }, ana, func(_ *scene, f protocol.Frame) bool {
			return is(f, func(w *protocol.Welcome) bool { return w.ID == "" })
		}},
	}
}

// TestWhatAFailedPushDidNotTellGoesOutWithTheNextMessage refuses pushes for a while, whatever the
// notice and whatever the next message. A push that succeeded is not repeated.
func TestWhatAFailedPushDidNotTellGoesOutWithTheNextMessage(t *testing.T) {
	const again = 3100 * time.Millisecond
	messages := []struct {
		name string
		send func(*scene, *client)
	}{
		{"ping", func(_ *scene, c *client) { c.send("ping", "") }},
		{"location", func(s *scene, c *client) { c.report(s.p.Lat, s.p.Lng) }},
		{"locate", func(_ *scene, c *client) { c.send("locate", "") }},
		{"cancel", func(_ *scene, c *client) { c.send("cancel", "") }},
		{"match", func(_ *scene, c *client) { c.send("match", `"id":"other","radius":100,"lat":-60,"lng":0`) }},
		{"end", func(_ *scene, c *client) { c.send("end", `"match":"another"`) }},
	}
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for i, n := range notices() {
			for j, message := range messages {
				be.flush()
				s := be.newScene(fmt.Sprint("told-", i, "-", j))
				n.prepare(s)
				c := n.to(s)
				told := func() (times int) {
					for _, f := range c.take() {
						if n.says(s, f) {
							times++
						}
					}
					return times
				}
				c.take()
				c.refusing(func() {
					n.happens(s)
					be.advance(again)
					message.send(s, c)
				})
				if got := told(); got != 0 {
					t.Fatalf("%s: told %d times while pushes were refused", n.name, got)
				}
				be.advance(again)
				message.send(s, c)
				if got := told(); got != 1 {
					t.Errorf("%s, with the next %s: told %d times, want once: %s", n.name, message.name, got, c.all())
				}
				be.advance(again)
				c.send("ping", "")
				if got := told(); got != 0 {
					t.Errorf("%s, after it was told with a %s: told %d times more", n.name, message.name, got)
				}
			}
		}
	})
}

// TestAMatchOfWhichNeitherWasToldIsToldOnce: the message that tells the one repairs the match, and so
// tells the other. Each learns it before anything else.
func TestAMatchOfWhichNeitherWasToldIsToldOnce(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, message := range []string{"ping", "location", "locate"} {
			for _, sender := range []string{"ana", "ben"} {
				be.flush()
				s := be.newScene("neither-" + sender + "-" + message)
				s.b.at(s.q.Lat, s.q.Lng)
				refuse := pushHook(func(context.Context, string, string, func() error) error { return errRefused })
				be.pushHook.Store(&refuse)
				s.a.send("match", `"id":"m"`)
				be.pushHook.Store(nil)
				be.advance(3100 * time.Millisecond)
				s.a.take()
				s.b.take()
				c := map[string]*client{"ana": s.a, "ben": s.b}[sender]
				if message == "location" {
					c.report(s.q.Lat, s.q.Lng)
				} else {
					c.send(message, "")
				}
				for _, c := range []*client{s.a, s.b} {
					frames := c.take()
					for i, f := range frames {
						if is(f, func(*protocol.Matched) bool { return true }) != (i == 0) {
							t.Errorf("%s of %s: %s got%s, want matched first, and once", message, sender, c.id.Member, c.all())
						}
					}
					if len(frames) == 0 {
						t.Errorf("%s of %s: %s got nothing", message, sender, c.id.Member)
					}
				}
			}
		}
	})
}

// TestAClockThatIsOffIsToldUntilAPushSucceeds: the member sends no id. It is told with its reports,
// while they need it, and once.
func TestAClockThatIsOffIsToldUntilAPushSucceeds(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, off := range []time.Duration{-20 * time.Second, 20 * time.Second} {
			be.flush()
			ben := be.join("ben")
			report := func(off time.Duration) (told int) {
				be.advance(10 * time.Second)
				ben.take()
				ben.send("location", fmt.Sprintf(`"lat":%v,"lng":%v,"at":%d`, lat, lng, be.now().Add(off).UnixMilli()))
				for _, f := range ben.take() {
					if is(f, func(a *protocol.Ack) bool { return a.Now != 0 }) {
						told++
					}
				}
				return told
			}
			ben.refusing(func() { report(off) })
			if got := []int{report(0), report(off), report(off), report(off)}; fmt.Sprint(got) != "[0 1 0 0]" {
				t.Errorf("%v off: after a failed push, told %v times, want [0 1 0 0]: %s", off, got, ben.all())
			}
		}
	})
}

// TestAWelcomeTellsOfAMatch: after a hello the match is not told once more, and an end that was not
// told comes before the welcome.
func TestAWelcomeTellsOfAMatch(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		s := be.newScene("welcome")
		s.pair()
		s.b.refusing(func() {
			s.a.send("end", `"match":"`+s.match+`"`)
			s.a.send("match", `"id":"n"`)
		})
		s.b = s.b.reconnect() // at once: nobody has pushed anything to this connection
		s.b.send("hello", "")
		frames := s.b.take()
		if len(frames) != 2 || !is(frames[0], func(e *protocol.Ended) bool { return e.Match == s.match }) ||
			!is(frames[1], func(w *protocol.Welcome) bool { return w.Match != nil && w.Match.Match != s.match }) {
			t.Fatalf("got%s, want the end and a welcome with the next match", s.b.all())
		}
		be.advance(20 * time.Second)
		s.b.send("ping", "")
		want[*protocol.Pong](s.b)
		if len(s.b.sent()) != 3 {
			t.Errorf("got%s, want nothing more but the pong", s.b.all())
		}
	})
}

// TestEveryMemberEndsUpKnowingHowThingsStand puts a fault at every command and every push of every
// operation. After that both members only ping and report, and know what hello would say.
func TestEveryMemberEndsUpKnowingHowThingsStand(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		scenes := 0
		for i, o := range operations() {
			if strings.HasPrefix(o.name, "connect") {
				continue // a new connection begins with a hello
			}
			for j, f := range []fault{dies, misses, loses} {
				for n, more := (i+j)%2, true; more; n += 2 {
					be.flush()
					scenes++
					s := be.newScene(fmt.Sprint("know-", scenes))
					o.prepare(s)
					more = be.withFault(n, f, func() { o.fault(s) }) > n+1
					for range 3 {
						be.advance(16 * time.Second)
						for _, c := range []*client{s.a, s.b} {
							if !c.left {
								c.send("ping", "")
							}
						}
					}
					for _, c := range []*client{s.a, s.b} {
						if c.left || be.isClosed(c) {
							continue
						}
						knows, stands, thinks := c.announced(), "", c.thinks()
						peer := map[*client]*client{s.a: s.b, s.b: s.a}[c]
						if m := c.hello().Match; m != nil {
							stands = m.Match
							if gone := peer.left || be.isClosed(peer); thinks != gone {
								t.Errorf("%s: the process %s at event %d: %s thinks that its peer is away: %v, want %v: %s", o.name, f, n, c.id.Member, thinks, gone, c.all())
							}
						}
						if knows != stands {
							t.Errorf("%s: the process %s at event %d: %s knows the match %q, and is in %q: %s", o.name, f, n, c.id.Member, knows, stands, c.all())
						}
					}
				}
			}
		}
	})
}

// TestTheLossOfStateIsTold takes everything, or one key, out of the cache while two members are in a
// match and a third one waits. Each learns it with its next messages, whatever they are.
func TestTheLossOfStateIsTold(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for i, lost := range []struct {
			keys                    []string // "" is everything
			matcher, matchee, waits string   // what tells them
		}{
			{[]string{""}, "welcome", "welcome", "welcome"},
			{[]string{"m:ana", "m:ben", "m:cem"}, "ended", "welcome", "welcome with the request"}, // the route had the match
			{[]string{"route:ana", "route:cem"}, "ended", "ended", "no_match"},
			{[]string{"m:ben"}, "ended", "welcome", ""},
			{[]string{"m:ana", "route:ana"}, "welcome", "ended", ""},
			{[]string{"past:ana", "past:ben", "past:cem"}, "", "", ""},
		} {
			for _, message := range []string{"ping", "location", "cancel"} {
				be.flush()
				pool := fmt.Sprint("lost-", i, "-", message)
				s := be.newScene(pool)
				s.pair()
				cem := be.joinIn(pool, "cem")
				cem.at(s.far.Lat, s.far.Lng)
				cem.send("match", `"id":"w","wait":300,"radius":100`)
				for _, key := range lost.keys {
					if key == "" {
						be.flush()
						continue
					}
					kind, member, _ := strings.Cut(key, ":")
					if err := be.direct.Do(t.Context(), be.direct.B().Del().Key("w3:"+kind+":{"+pool+"/"+member+"}").Build()).Error(); err != nil {
						t.Fatal(err)
					}
				}
				be.advance(11 * time.Second)
				for _, c := range []*client{s.a, s.b, cem} {
					c.take()
				}
				for range 2 {
					for _, c := range []*client{s.a, s.b, cem} {
						switch {
						case message == "location":
							c.report(s.far.Lat, s.far.Lng)
						case message == "cancel" && c != cem: // it would cancel the request that may be lost
							c.send("cancel", "")
						default:
							c.send("ping", "")
						}
					}
					be.advance(4 * time.Second)
				}
				for _, check := range []struct {
					c    *client
					want string
				}{{s.a, lost.matcher}, {s.b, lost.matchee}, {cem, lost.waits}} {
					if got := tells(check.c.take(), s.match); got != check.want {
						t.Errorf("lost %q, %s: %s is told by %q, want %q: %s", lost.keys, message, check.c.id.Member, got, check.want, check.c.all())
					}
				}
			}
		}
	})
}

// tells names what tells a member of a loss, before the first answer: "" if nothing does.
func tells(frames []protocol.Frame, match string) string {
	for _, f := range frames {
		switch f := f.(type) {
		case *protocol.Welcome:
			switch {
			case f.ID != "" || f.Match != nil:
				return "a welcome with an id or a match"
			case f.Request != nil:
				return "welcome with the request"
			}
			return "welcome"
		case *protocol.Ended:
			if f.Match == match && f.Reason == protocol.ReasonLost {
				return "ended"
			}
		case *protocol.NoMatch:
			return "no_match"
		}
	}
	return ""
}
