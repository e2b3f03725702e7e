package members

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
	"waggle/internal/protocol"
	"waggle/localstack/streets"
)

// A stack is a fake server, and what it received.
type stack struct {
	*waggletest.Server
	log bytes.Buffer

	mu       sync.Mutex
	tokens   []string
	online   map[string]int
	messages []message
	role     string  // of a member who asks; "": the answer is that there is no match
	every    float64 // advised seconds between two reports
	offers   bool    // every tenth report gets an offer
}

type message struct {
	waggletest.Message
	token string
	at    time.Time
}

// simulate runs a test with simulated members, in a bubble of simulated time.
func simulate(t *testing.T, config Config, before func(*stack), test func(*stack)) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack()
		defer s.Close()
		before(s)
		config.URL, config.Client = s.URL(), s.HTTPClient()
		config.Log = slog.New(slog.NewTextHandler(&s.log, nil))
		config.Sign = func(claims map[string]any) (string, error) {
			return fmt.Sprintf("%v_%v", claims["sub"], claims["pool"]), nil
		}
		all := Start(t.Context(), config)
		defer all.Stop()
		test(s)
	})
}

func newStack() *stack {
	s := &stack{online: map[string]int{}, every: 1}
	s.Server = waggletest.NewServer(s.play)
	return s
}

// play answers a connection.
func (s *stack) play(socket *waggletest.Socket) {
	s.did(func() { s.tokens = append(s.tokens, socket.Token); s.online[socket.Token]++ })
	defer s.did(func() { s.online[socket.Token]-- })
	if !socket.Welcome(&waggle.Welcome{Report: waggle.Report{AfterSeconds: s.every}}) {
		return
	}
	for matches, reports := 0, 0; ; {
		m, ok := socket.Receive()
		if !ok {
			return
		}
		s.did(func() { s.messages = append(s.messages, message{m, socket.Token, time.Now()}) })
		switch {
		case m.Action == protocol.ActionLocation && s.offers:
			if reports++; reports%10 == 0 {
				socket.Push(&waggle.Offered{Match: fmt.Sprint(socket.Token, "-", reports), Role: waggle.Matchee})
			}
		case m.Action == protocol.ActionAccept, m.Action == protocol.ActionDecline:
			socket.Push(&waggle.Ended{ID: m.ID, Match: m.Match, Reason: "expired"})
		case m.Action == protocol.ActionEnd:
			socket.Push(&waggle.Ended{ID: m.ID, Match: m.Match, Reason: "completed"})
		case m.Action == protocol.ActionMatch && s.role == "":
			socket.Push(&waggle.NoMatch{ID: m.ID, Radius: m.Radius})
		case m.Action == protocol.ActionMatch:
			matches++
			socket.Push(&waggle.Matched{ID: m.ID, Match: fmt.Sprint(socket.Token, "-", matches), Role: s.role, Report: waggle.Report{AfterSeconds: s.every}})
		}
	}
}

func (s *stack) did(what func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what()
}

// of returns the messages of an action so far.
func (s *stack) of(action string) []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.messages), func(m message) bool { return m.Action != action })
}

func (s *stack) connected() (n int) {
	s.did(func() {
		for _, c := range s.online {
			n += c
		}
	})
	return n
}

// after lets so much time pass, and waits until all that follows from it has happened.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func nothing(*stack) {}

func TestMembersReportFromStreets(t *testing.T) {
	simulate(t, Config{Members: 5, Pool: Pool}, nothing, func(s *stack) {
		after(5 * time.Minute)
		reports := s.of(protocol.ActionLocation)
		if len(reports) < 5*280 || len(reports) > 5*301 {
			t.Errorf("got %d reports of 5 members in 300 s", len(reports))
		}
		lines, places := streets.New().Lines(), map[[2]float64]bool{}
		for i, r := range reports {
			places[[2]float64{*r.Lat, *r.Lng}] = true
			if i%25 == 0 && offStreet(lines, *r.Lat, *r.Lng) > 1 {
				t.Errorf("%s is %.0f m off any street", r.token, offStreet(lines, *r.Lat, *r.Lng))
			}
		}
		if len(places) < len(reports)/5 {
			t.Errorf("got %d places in %d reports: no member drives", len(places), len(reports))
		}
		for number := range 5 {
			if want := fmt.Sprintf("member-%d_city", number+1); s.online[want] != 1 {
				t.Errorf("%s has %d connections, want 1", want, s.online[want])
			}
		}
	})
}

// offStreet returns how many metres a place is from the nearest street.
func offStreet(lines []streets.Line, lat, lng float64) float64 {
	nearest := math.Inf(1)
	east := math.Cos(lat * math.Pi / 180)
	for _, l := range lines {
		ax, ay := (l.FromLng-lng)*east, l.FromLat-lat
		dx, dy := (l.ToLng-l.FromLng)*east, l.ToLat-l.FromLat
		part := min(max(-(ax*dx+ay*dy)/(dx*dx+dy*dy), 0), 1)
		nearest = min(nearest, math.Hypot(ax+part*dx, ay+part*dy))
	}
	return nearest * 111_195
}

func TestMembersWithoutAPoolUseTheDefault(t *testing.T) {
	simulate(t, Config{Members: 1}, nothing, func(s *stack) {
		after(time.Second)
		if got := s.tokens; !slices.Equal(got, []string{"member-1_<nil>"}) {
			t.Errorf("got tokens %q, want one that names no pool", got)
		}
	})
}

func TestAMatcherEndsItsMatchAfterAWhile(t *testing.T) {
	simulate(t, Config{Members: 10, Pool: Pool}, func(s *stack) { s.role = "matcher" }, func(s *stack) {
		after(30 * time.Minute)
		asked, ended := s.of(protocol.ActionMatch), s.of(protocol.ActionEnd)
		if len(asked) < 10 || len(asked) > 100 || len(ended) < len(asked)-2 {
			t.Fatalf("10 members in half an hour: got %d requests and %d ends", len(asked), len(ended))
		}
		for i, end := range ended {
			var before time.Time
			for _, ask := range asked {
				if ask.token == end.token && ask.at.Before(end.at) {
					before = ask.at
				}
			}
			if took := end.at.Sub(before); took < 10*time.Second || took > meeting+3*time.Second || !strings.HasPrefix(end.Match, end.token) {
				t.Errorf("end %d: match %q of %s after %v", i, end.Match, end.token, took)
			}
		}
		if got := len(s.of(protocol.ActionLocation)); got < 10*1700 {
			t.Errorf("got %d reports of 10 members in 1800 s: do they report during a match?", got)
		}
	})
}

// A member that became the matchee, or found nobody, drives on.
func TestAMemberEndsOnlyMatchesThatItAskedFor(t *testing.T) {
	for _, role := range []string{"matchee", ""} {
		simulate(t, Config{Members: 10, Pool: Pool}, func(s *stack) { s.role = role }, func(s *stack) {
			after(30 * time.Minute)
			if asked, ended := s.of(protocol.ActionMatch), s.of(protocol.ActionEnd); len(asked) < 10 || len(ended) > 0 {
				t.Errorf("role %q: got %d requests and %d ends", role, len(asked), len(ended))
			}
			if s.log.Len() > 0 || s.connected() != 10 {
				t.Errorf("role %q: got %d members online, %s", role, s.connected(), s.log.String())
			}
		})
	}
}

// asked returns what members who get offers do in 20 minutes: the places of their reports,
// their answers, and how often they gave each.
func asked(t *testing.T, config Config) (places, answers map[string][]string, given map[string]int) {
	places, answers, given = map[string][]string{}, map[string][]string{}, map[string]int{}
	config.Members, config.Pool = 3, Pool
	simulate(t, config, func(s *stack) { s.offers = true }, func(s *stack) {
		after(20 * time.Minute)
		for _, m := range s.of(protocol.ActionLocation) {
			places[m.token] = append(places[m.token], fmt.Sprint(*m.Lat, *m.Lng))
		}
		for _, action := range []string{protocol.ActionAccept, protocol.ActionDecline} {
			for _, m := range s.of(action) {
				answers[m.token] = append(answers[m.token], action+" "+m.Match)
				given[action]++
			}
		}
	})
	return places, answers, given
}

func TestMembersAcceptDeclineOrDoNotAnswerOffers(t *testing.T) {
	const offers = 3 * 119 // the answer to the last ones is not due yet
	for _, test := range []struct {
		decline, silent    float64
		accepted, declined int
	}{
		{0, 0, offers, 0},
		{1, 0, 0, offers},
		{0, 1, 0, 0},
		{0.3, 0.2, offers / 2, offers * 3 / 10},
	} {
		_, _, given := asked(t, Config{Decline: test.decline, Silent: test.silent, Seed: 1})
		for action, want := range map[string]int{protocol.ActionAccept: test.accepted, protocol.ActionDecline: test.declined} {
			if got := given[action]; got < want*8/10 || got > want*12/10 {
				t.Errorf("decline %v, silent %v: got %d of %s, want about %d", test.decline, test.silent, got, action, want)
			}
		}
	}
}

func TestTheSeedDecidesHowMembersDriveAndAnswer(t *testing.T) {
	config := Config{Decline: 0.3, Silent: 0.2, Seed: 1}
	places, answers, _ := asked(t, config)
	samePlaces, sameAnswers, _ := asked(t, config)
	if !reflect.DeepEqual(places, samePlaces) || !reflect.DeepEqual(answers, sameAnswers) {
		t.Error("the same seed gives something else")
	}
	config.Seed = 2
	otherPlaces, otherAnswers, _ := asked(t, config)
	for token := range places {
		if slices.Equal(places[token], otherPlaces[token]) || slices.Equal(answers[token], otherAnswers[token]) {
			t.Errorf("%s: another seed gives the same", token)
		}
	}
}

func TestMembersConnectOnceTheServerIsAvailable(t *testing.T) {
	simulate(t, Config{Members: 1, Pool: Pool}, func(s *stack) { s.Refuse(503, 503, 500) }, func(s *stack) {
		after(2 * time.Second)
		if got := s.connected(); got != 0 {
			t.Errorf("got %d online after %d attempts, want none yet", got, s.Attempts())
		}
		after(3 * time.Second)
		if s.connected() != 1 || s.Attempts() != 4 || s.log.Len() > 0 {
			t.Errorf("got %d online after %d attempts, %s", s.connected(), s.Attempts(), s.log.String())
		}
	})
}

func TestARefusedMemberLeaves(t *testing.T) {
	simulate(t, Config{Members: 2, Pool: Pool}, func(s *stack) { s.Refuse(403) }, func(s *stack) {
		after(time.Minute)
		if got := strings.Count(s.log.String(), "a simulated member left"); got != 1 || s.connected() != 1 || s.Attempts() != 2 {
			t.Errorf("got %d online after %d attempts, %s", s.connected(), s.Attempts(), s.log.String())
		}
	})
}

func TestStopEndsAllMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack()
		defer s.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		all := Start(ctx, Config{URL: s.URL(), Client: s.HTTPClient(), Members: 50, Pool: Pool, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
			Sign: func(claims map[string]any) (string, error) { return claims["sub"].(string), nil }})
		after(500 * time.Millisecond) // only some are connected
		some := s.connected()
		all.Stop()
		after(time.Minute)
		if some == 0 || some >= 50 || s.connected() != 0 || s.log.Len() > 0 {
			t.Errorf("got %d online, then %d, %s", some, s.connected(), s.log.String())
		}
	})
}
