package match

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// An EventType is what the back end of the application is told of.
type EventType string

// The types. An offer that comes to nothing is a match that has ended.
const (
	EventWaiting EventType = "request.waiting" // nobody was found yet
	EventOffered EventType = "match.offered"
	EventMatched EventType = "match.matched"
	EventEnded   EventType = "match.ended"
	EventLeft    EventType = "member.left" // its match ends with it
)

// An Event tells of a change that is committed. It has no position.
type Event struct {
	Type     EventType
	At       int64  // when it was committed, by the cache's clock, epoch ms
	Match    string // with EventWaiting the id of the search
	Matcher  Member
	Matchee  string  // "" with EventWaiting, and if the cache has lost the match
	Request  string  // the matcher's id of it, "" if it has none
	Reason   string  // with EventEnded
	Left     By      // with EventLeft: who
	Distance float64 // one of the bands, metres; 0 if not known
}

// ID is the same whenever the event is published.
func (e Event) ID() string {
	_, change, _ := strings.Cut(string(e.Type), ".")
	return e.Match + "." + change
}

// A Bus takes the events to the application.
type Bus interface {
	// Publish publishes events, at least once.
	Publish(context.Context, []Event) error
}

// Unpublished is what a step has found that is not yet published. As an argument of
// Store.Published it is what was.
type Unpublished struct {
	Member
	Events []Event  // of the member's requests, and of its matches as a matcher: the oldest few
	Stored []string // the same as the Store has them
	// Matcher, unless zero, is one of whom events may be unpublished that tell of a match that the
	// member was in.
	Matcher Member
}

const (
	// maxPublishes is how often one message publishes: an outbox may have more than a step returns.
	maxPublishes = 10
	// publishAgain is when a timer publishes what could not be published.
	publishAgain = 5 * time.Minute
)

// findEvents has the steps of this message collect what is not yet published.
func (w *work) findEvents() {
	if w.Bus == nil {
		return
	}
	s := *w.Service
	w.Service, w.found = &s, make(map[Member]Unpublished)
	s.Store = s.Store.Finding(func(u Unpublished) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.found[u.Member] = w.found[u.Member].and(u)
	})
}

// and adds what another step has found.
func (u Unpublished) and(v Unpublished) Unpublished {
	v.Matcher = cmp.Or(v.Matcher, u.Matcher)
	for i, text := range v.Stored {
		if !slices.Contains(u.Stored, text) {
			u.Events, u.Stored = append(u.Events, v.Events[i]), append(u.Stored, text)
		}
	}
	v.Events, v.Stored = u.Events, u.Stored
	return v
}

// publish publishes what the steps have found, and then has the store take it out. What it cannot
// publish stays there for whoever finds it next.
func (w *work) publish(ctx context.Context) {
	if w.Bus == nil {
		return
	}
	looked := make(map[Member]bool) // whose outboxes were read
	for range maxPublishes {
		w.mu.Lock()
		found := w.found
		w.found = make(map[Member]Unpublished)
		w.mu.Unlock()
		var events []Event
		var done []Unpublished
		for _, u := range found {
			events = append(events, u.Events...)
			if _, too := found[u.Matcher]; u.Matcher != (Member{}) && !too && !looked[u.Matcher] {
				// What the matcher has comes first.
				w.found[u.Member] = Unpublished{Member: u.Member, Matcher: u.Matcher}
				done = append(done, Unpublished{Member: u.Matcher})
				u.Matcher = Member{}
			}
			if len(u.Stored) > 0 || u.Matcher != (Member{}) {
				done = append(done, u)
			}
		}
		if len(done) == 0 {
			return
		}
		for _, u := range done {
			looked[u.Member] = true
		}
		slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
		if len(events) > 0 {
			if err := w.Bus.Publish(ctx, events); err != nil {
				w.count(func(f *Figures) { f.Unpublished += len(events) })
				w.Log.ErrorContext(ctx, Unpublishable, "events", len(events), "err", err)
				w.remindToPublish(ctx, done)
				return
			}
		}
		if err := w.Store.Published(ctx, done); err != nil {
			w.logFailure(ctx, "note what was published", err)
			return
		}
	}
}

// Unpublishable begins the line of the log that says why.
const Unpublishable = "events not published"

func (w *work) remindToPublish(ctx context.Context, all []Unpublished) {
	if w.Timers == nil {
		return
	}
	var members []Member
	for _, u := range all {
		if len(u.Stored) > 0 {
			members = append(members, u.Member)
		}
	}
	w.logFailure(ctx, "set a timer", w.Timers.Set(ctx, publishAgain, members...))
}
