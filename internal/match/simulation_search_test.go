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

// query is what somebody asks for.
func (m *market) query() oracle.Query {
	q := oracle.Query{Place: m.spot, Radius: spread(m.random, 100, 4000), Since: epoch().Add(m.offset - marketTTL)}
	if m.random.IntN(12) == 0 { // seldom, as it takes a cache long to ask so many shards
		q.Radius = spread(m.random, 4000, 20_000)
	}
	if m.random.IntN(3) > 0 {
		q.Place = oracle.Near(m.random, m.spot, spread(m.random, 100, 6000))
	}
	if m.random.IntN(3) == 0 {
		q.Tags = m.tags()
	}
	if m.random.IntN(8) == 0 { // somebody is at the very rim
		wide := q
		wide.Radius = 19_990
		if hits := m.crowd.Nearest(wide); len(hits) > 0 {
			q.Radius = max(100, hits[m.random.IntN(len(hits))].Distance+off+0.1*m.random.Float64())
		}
	}
	return q
}

// off is how far distances may be off, in metres: a cache rounds coordinates.
const off = 1

// search asks for that many candidates and compares them.
func (m *market) search(ctx context.Context, most int) error {
	q := m.query()
	ask, err := m.ask(q)
	if err != nil {
		return err
	}
	asked := match.Query{Self: m.seekers[0].session.Member, Point: geo.Point(*ask.Point), Radius: ask.Radius, Tags: ask.Tags}
	found, all, err := match.Walk(ctx, m.Store, asked, most, func(c match.Member) (match.Position, bool) {
		return m.by[c.ID].position, m.by[c.ID].truth.Fits(q)
	})
	if err == nil {
		err = m.crowd.Check(q, names(found), all, off)
	}
	for _, c := range found {
		if d := oracle.Distance(q.Place, m.by[c.ID].truth.Place); err == nil && math.Abs(c.Distance-d) > off {
			err = fmt.Errorf("%s is said to be %v m away, not %v", c.ID, c.Distance, d)
		}
	}
	m.count.searches++
	m.count.candidates += len(found)
	if len(found) == 0 {
		m.count.nobody++
	}
	if err != nil {
		return fmt.Errorf("around %v within %v m, tags %v: %w\nfound %v, all %v", q.Place, q.Radius, q.Tags, err, found, all)
	}
	return nil
}

// meet lets a seeker ask for a match, the whole way; or end the one it is in.
func (m *market) meet(ctx context.Context) error {
	seeker := m.seekers[m.random.IntN(len(m.seekers))]
	if seeker.match != "" {
		err := m.End(ctx, seeker.session, &protocol.End{Match: seeker.match, Reason: protocol.ReasonCompleted})
		for _, p := range m.members {
			if p.match == seeker.match {
				p.match = ""
				m.know(p)
			}
		}
		seeker.match = ""
		return err
	}
	q := m.query()
	ask, err := m.ask(q)
	if err == nil {
		err = m.Match(ctx, seeker.session, ask)
	}
	if err != nil {
		return err
	}
	switch f := m.last(seeker.session.Connection).(type) {
	case *protocol.NoMatch:
		err = m.crowd.Check(q, nil, true, off)
	case *protocol.Matched:
		m.count.matches++
		p := m.by[strings.Trim(string(f.Peer.Card), `"`)]
		err = m.crowd.Check(q, []string{p.truth.Name}, false, off)
		if d := oracle.Distance(q.Place, p.truth.Place); err == nil && math.Abs(f.Peer.Distance-d) > off {
			err = fmt.Errorf("%s is said to be %v m away, not %v", p.truth.Name, f.Peer.Distance, d)
		}
		p.match, seeker.match = f.Match, f.Match
		m.know(p)
	default:
		err = fmt.Errorf("answered with %T", f)
	}
	if err != nil {
		return fmt.Errorf("match around %v within %v m, tags %v: %w", q.Place, q.Radius, q.Tags, err)
	}
	return nil
}

// ask is a query as the wire takes it in.
func (m *market) ask(q oracle.Query) (*protocol.Match, error) {
	fields := place(q.Place) + fmt.Sprintf(`,"radius":%v`, q.Radius)
	if len(q.Tags) > 0 {
		fields += `,"tags":` + list(q.Tags)
	}
	return decode[*protocol.Match](protocol.ActionMatch, fields)
}
