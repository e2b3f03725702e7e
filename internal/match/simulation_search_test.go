package match_test

import (
	"context"
	"fmt"
	"math"
	"strings"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/test/kit/oracle"
)

// query returns a random query near the current place.
func (s *simulation) query() oracle.Query {
	q := oracle.Query{Place: s.middle, Radius: logUniform(s.random, 100, 4000), Since: epoch().Add(s.offset - locationTTL)}
	if s.random.IntN(12) == 0 { // rarely, as so many shards take a cache long
		q.Radius = logUniform(s.random, 4000, 20_000)
	}
	if s.random.IntN(3) > 0 {
		q.Place = oracle.Near(s.random, s.middle, logUniform(s.random, 100, 6000))
	}
	if s.random.IntN(3) == 0 {
		q.Tags = s.tags()
	}
	if s.random.IntN(8) == 0 { // a member is at the very edge of the circle
		wide := q
		wide.Radius = 19_990
		if hits := s.crowd.Nearest(wide); len(hits) > 0 {
			q.Radius = max(100, hits[s.random.IntN(len(hits))].Distance+tolerance+0.1*s.random.Float64())
		}
	}
	return q
}

// tolerance is how far distances may be off, in metres: a cache rounds coordinates.
const tolerance = 1

// search walks up to that many candidates and compares them with the oracle.
func (s *simulation) search(ctx context.Context, most int) error {
	q := s.query()
	message, err := s.message(q)
	if err != nil {
		return err
	}
	query := match.Query{Self: s.matchers[0].session.Member, Point: geo.Point(*message.Point), Radius: message.Radius, Tags: message.Tags}
	found, all, err := match.Walk(ctx, s.Store, query, most, func(c match.Member) (match.Position, bool) {
		return s.byName[c.ID].position, s.byName[c.ID].truth.Fits(q)
	})
	if err == nil {
		err = s.crowd.Check(q, names(found), all, tolerance)
	}
	for _, c := range found {
		if d := oracle.Distance(q.Place, s.byName[c.ID].truth.Place); err == nil && math.Abs(c.Distance-d) > tolerance {
			err = fmt.Errorf("%s is %v m away in the result, want %v", c.ID, c.Distance, d)
		}
	}
	s.count.searches++
	s.count.candidates += len(found)
	if len(found) == 0 {
		s.count.nobody++
	}
	if err != nil {
		return fmt.Errorf("around %v within %v m, tags %v: %w\nfound %v, all %v", q.Place, q.Radius, q.Tags, err, found, all)
	}
	return nil
}

// matchOrEnd lets a random matcher send a match message, or end the match that it is in.
func (s *simulation) matchOrEnd(ctx context.Context) error {
	matcher := s.matchers[s.random.IntN(len(s.matchers))]
	if matcher.match != "" {
		err := s.End(ctx, matcher.session, &protocol.End{Match: matcher.match, Reason: protocol.ReasonCompleted})
		for _, p := range s.members {
			if p.match == matcher.match {
				p.match = ""
				s.updateOracle(p)
			}
		}
		matcher.match = ""
		return err
	}
	q := s.query()
	message, err := s.message(q)
	if err == nil {
		err = s.Match(ctx, matcher.session, message)
	}
	if err != nil {
		return err
	}
	switch f := s.lastFrame(matcher.session.Connection).(type) {
	case *protocol.NoMatch:
		err = s.crowd.Check(q, nil, true, tolerance)
	case *protocol.Matched:
		s.count.matches++
		p := s.byName[strings.Trim(string(f.Peer.Card), `"`)]
		err = s.crowd.Check(q, []string{p.truth.Name}, false, tolerance)
		if d := oracle.Distance(q.Place, p.truth.Place); err == nil && math.Abs(f.Peer.Distance-d) > tolerance {
			err = fmt.Errorf("%s is %v m away in the result, want %v", p.truth.Name, f.Peer.Distance, d)
		}
		p.match, matcher.match = f.Match, f.Match
		s.updateOracle(p)
	default:
		err = fmt.Errorf("answered with %T", f)
	}
	if err != nil {
		return fmt.Errorf("match around %v within %v m, tags %v: %w", q.Place, q.Radius, q.Tags, err)
	}
	return nil
}

// message returns the match message for a query.
func (s *simulation) message(q oracle.Query) (*protocol.Match, error) {
	fields := jsonPoint(q.Place) + fmt.Sprintf(`,"radius":%v`, q.Radius)
	if len(q.Tags) > 0 {
		fields += `,"tags":` + jsonList(q.Tags)
	}
	return decode[*protocol.Match](protocol.ActionMatch, fields)
}
