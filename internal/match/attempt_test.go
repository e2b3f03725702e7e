package match_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// found begins a request of ana's that does not wait, and finds these at once.
func found(all ...match.Candidate) lines {
	return on("begin ana1 1", gains(match.StatusOK, wish()), hits(all...))
}

// How such a search ends that is still ana's: with nobody, or in the hope of a rival.
func nobody() lines { return act(on("give_up ana 1", match.StatusOther), on("apply ana")) }
func busy() lines   { return act(on("give_up ana 1 wait", match.StatusOther), on("apply ana")) }

// asks is the message of such a request.
func asks() *protocol.Match {
	return &protocol.Match{ID: "m1", Radius: 500, Point: &protocol.Point{Lat: here().Lat, Lng: here().Lng}}
}

// moved is the answer to a claim on somebody who is elsewhere by now.
func moved(times float64, at int64) says {
	p := north(times, at)
	return says{Status: match.StatusMoved, Position: &p}
}

// claimed is the answer to a claim on somebody whom dan claimed so many milliseconds ago.
func claimed(age int64, confirmed bool) says {
	const now = 50_000
	return says{Status: match.StatusClaimed, Now: now, Claim: &match.Claim{Matcher: member("dan"), Match: "d", At: now - age, Confirmed: confirmed}}
}

// undone is what becomes of dan's claim on ben where he knows nothing of it.
func undone() lines {
	return act(on("read dan"), on("release dan d ben lost", match.StatusReleased), on("apply ben"))
}

func TestSearchClaimsTheNearest(t *testing.T) {
	ben, cyd, newer := seen("ben", 1), seen("cyd", 2), seen("ben", 3)
	newer.At = 6
	for name, play := range map[string]lines{
		"nobody is there": act(found(), nobody()),
		"it is to be had": act(found(ben, cyd), on("claim ana 1 ben 5", match.StatusYours), meet("ana", "1", "ben")),
		"the others are tried": act(found(cyd, ben), on("claim ana 1 ben 5", match.StatusTaken),
			on("claim ana 1 cyd 5", match.StatusUnavailable), nobody()),
		"one is listed twice": act(found(ben, cyd, newer), on("claim ana 1 cyd 5", match.StatusTaken),
			on("claim ana 1 ben 6", match.StatusTaken), nobody()),

		"it moved away": act(found(ben, cyd), on("claim ana 1 ben 5", moved(3, 6)), on("claim ana 1 cyd 5", match.StatusTaken),
			on("claim ana 1 ben 6", match.StatusYours), meet("ana", "1", "ben")),
		"it moved out of the circle": act(found(ben), on("claim ana 1 ben 5", moved(5, 6)), nobody()),
		"it moves on and on": act(found(ben), on("claim ana 1 ben 5", moved(1, 6)), on("claim ana 1 ben 6", moved(1, 7)),
			on("claim ana 1 ben 7", moved(1, 8)), on("claim ana 1 ben 8", moved(1, 9)), nobody()),
		"it moves no more": act(found(ben), on("claim ana 1 ben 5", moved(1, 6)), on("claim ana 1 ben 6", moved(1, 7)),
			on("claim ana 1 ben 7", moved(1, 8)), on("claim ana 1 ben 8", match.StatusYours), meet("ana", "1", "ben")),
		"two move": act(found(ben, cyd), on("claim ana 1 ben 5", moved(1, 6)), on("claim ana 1 ben 6", moved(1, 7)),
			on("claim ana 1 ben 7", moved(3, 8)), on("claim ana 1 cyd 5", moved(2, 6)), on("claim ana 1 cyd 6", match.StatusTaken),
			on("claim ana 1 ben 8", match.StatusTaken), nobody()),

		"it searches itself": act(found(ben), on("claim ana 1 ben 5", match.StatusBusy), busy()),
		"one of them does": act(found(ben, cyd), on("claim ana 1 ben 5", match.StatusBusy),
			on("claim ana 1 cyd 5", match.StatusTaken), busy()),

		"another has claimed it": act(found(ben), on("claim ana 1 ben 5", claimed(3000, false)), nobody()),
		"another has it":         act(found(ben), on("claim ana 1 ben 5", claimed(9000, true)), nobody()),
		"a claim was left behind": act(found(ben), on("claim ana 1 ben 5", claimed(3001, false)), undone(),
			on("claim ana 1 ben 5", match.StatusYours), meet("ana", "1", "ben")),
		"where it moved away from": act(found(ben), on("claim ana 1 ben 5", claimed(3001, false)), undone(),
			on("claim ana 1 ben 5", moved(2, 6)), on("claim ana 1 ben 6", match.StatusYours), meet("ana", "1", "ben")),
		"a claim is left behind again": act(found(ben), on("claim ana 1 ben 5", claimed(3001, false)), undone(),
			on("claim ana 1 ben 5", claimed(3001, false)), nobody()),
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, play)
			p.ends(p.Match(t.Context(), session("ana"), asks()), nil)
		})
	}
}

// TestSearchTriesEachOnce, though a cell that is asked for more names it again.
func TestSearchTriesEachOnce(t *testing.T) {
	ben, cyd := seen("ben", 1), seen("cyd", 2)
	p := perform(t, on("begin ana1 1", gains(match.StatusOK, wish()), []match.Hits{{Candidates: []match.Candidate{ben}, More: true}}),
		on("claim ana 1 ben 5", match.StatusTaken), on("search for ana", hits(ben, cyd)), on("claim ana 1 cyd 5", match.StatusTaken), nobody())
	p.ends(p.Match(t.Context(), session("ana"), asks()), nil)
}

// TestSearchGivesUp: it tries 64, however many there are.
func TestSearchGivesUp(t *testing.T) {
	var all []match.Candidate
	var tried lines
	for i := range 70 {
		c := seen(fmt.Sprint("m", i), float64(i)/100)
		all = append(all, c)
		if i < 64 {
			tried = append(tried, on(fmt.Sprintf("claim ana 1 %s 5", c.ID), match.StatusTaken)...)
		}
	}
	p := perform(t, found(all...), tried, nobody())
	p.ends(p.Match(t.Context(), session("ana"), asks()), nil)
}

// TestSearchWithoutThePoint: the request's point is known once it is begun, and its cell
// is asked then.
func TestSearchWithoutThePoint(t *testing.T) {
	tall := wish()
	tall.Tags = []string{"calm", "tall"}
	begun := on("begin ana1 1", gains(match.StatusOK, tall))
	p := perform(t, begun, on("search for ana", hits(seen("ben", 1))), on("claim ana 1 ben 5 calm tall", match.StatusYours), meet("ana", "1", "ben"))
	p.ends(p.Match(t.Context(), session("ana"), &protocol.Match{ID: "m1", Radius: 500}), nil)
	want := match.Query{Self: member("ana"), Point: here(), Radius: 500, Tags: tall.Tags, Want: 8}
	if diff := cmp.Diff(want, p.query); diff != "" {
		t.Errorf("query (-want +got)\n%s", diff)
	}

	p = perform(t, begun, on("search for ana", hits(seen("ben", 1)), trouble1))
	p.ends(p.Match(t.Context(), session("ana"), &protocol.Match{ID: "m1", Radius: 500}), trouble1)
}

func TestSearchInTrouble(t *testing.T) {
	p := perform(t, found(), on("give_up ana 1", match.StatusOther, trouble1))
	p.ends(p.Match(t.Context(), session("ana"), asks()), trouble1)

	lost := func(comes ...any) lines { return on("claim ana 1 ben 5", append(comes, match.StatusYours)...) }
	yours := on("claim ana 1 ben 5", match.StatusYours)
	refused := act(yours, on("commit ana 1 ben", match.StatusRefused))
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"a claim that was not answered": {act(lost(trouble1), yours, meet("ana", "1", "ben")), nil},
		"one that was too late":         {act(lost(trouble1), on("claim ana 1 ben 5", match.StatusTaken), nobody()), nil},
		"one that is never answered": {act(lost(trouble1), lost(trouble2), on("release ana 1 ben lost", match.StatusOther),
			on("apply ben")), trouble1},
		"one that cannot be undone": {act(lost(trouble1), lost(trouble2), on("release ana 1 ben lost", trouble2),
			on("log undo a claim: trouble 2")), trouble1},
		"a claim of another that cannot be looked at": {act(on("claim ana 1 ben 5", claimed(3001, false)), on("read dan", trouble1)), trouble1},

		"a commit that was not answered": {act(yours, on("commit ana 1 ben", match.StatusRefused, trouble1), meet("ana", "1", "ben")), nil},
		"one that is never":              {act(yours, on("commit ana 1 ben", trouble1), on("commit ana 1 ben", match.StatusYours, trouble2)), trouble2},
		"one that is refused": {act(refused, on("release ana 1 ben lost", match.StatusReleased),
			on("apply ben")), nil},
		"one that cannot be undone after that": {act(refused, on("release ana 1 ben lost", trouble1)), trouble1},
		"a confirmation that is not answered": {act(yours, on("commit ana 1 ben", gains(match.StatusYours, wish())),
			on("confirm ana 1 ben", trouble1)), trouble1},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, found(seen("ben", 1)), test.play)
			p.ends(p.Match(t.Context(), session("ana"), asks()), test.want)
		})
	}
}
