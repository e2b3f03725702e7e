// Package telemetry is the one list of what Waggle measures. The functions record by it, its two
// writers write it (an [EMF] to CloudWatch, the local stack to Prometheus), and the dashboard, the
// alarms and the tables in docs/operations.md are made from it. Start at [Instruments].
//
// Names and units follow the conventions of OpenTelemetry. The attributes of an instrument are
// bounded: it lists all values. None is a token, a position or an id.
package telemetry

import (
	"slices"
	"strings"
)

// A Kind says what the recorded values mean.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"   // the values add up
	Histogram Kind = "histogram" // the values are a distribution
)

// An ID names an instrument.
type ID int

// The instruments.
const (
	Messages ID = iota
	MessageDuration
	Refusals
	RequestOutcomes
	RequestMatchDuration
	RequestWaitDuration
	ReportPushDuration
	SearchCells
	SearchCandidates
	ClaimsRefused
	Repairs
	Pushes
	PushDuration
	CacheTrips
	CacheTripDuration
	EventsUnpublished
	instruments // their number
)

// An Instrument is one thing that is measured.
type Instrument struct {
	ID          ID
	Name        string
	Kind        Kind
	Unit        string // as UCUM has it
	Description string
	Attribute   string   // "" if there is none
	Values      []string // of the attribute
	// Buckets are the upper bounds of a histogram's buckets, for Prometheus.
	Buckets []float64
}

// Other stands for an attribute's value that is not listed.
const Other = "other"

var (
	shortTimes = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	longTimes  = []float64{.1, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900}
	numbers    = []float64{0, 1, 2, 4, 7, 19, 50, 100, 250}

	all = [instruments]Instrument{
		Messages: {Name: "waggle.messages", Kind: Counter, Unit: "{message}",
			Description: "events that the functions have served, reports and requests among them", Attribute: "action",
			Values: []string{"connect", "disconnect", "hello", "ping", "location", "locate", "match", "cancel", "end", "accept", "decline", "nearby", "say", "verb", "timer", Other}},
		MessageDuration: {Name: "waggle.message.duration", Kind: Histogram, Unit: "s",
			Description: "how long a function has worked on an event", Buckets: shortTimes},
		Refusals: {Name: "waggle.messages.refused", Kind: Counter, Unit: "{message}",
			Description: "events that were answered with an error, by its code", Attribute: "code",
			Values: []string{"invalid_message", "unknown_action", "forbidden", "not_found", "conflict", "stale", "rate_limited", "replaced", "unauthenticated", "gone", "unavailable", "internal", Other}},
		RequestOutcomes: {Name: "waggle.request.outcomes", Kind: Counter, Unit: "{request}",
			Description: "what requests have come to; one that waits or is offered counts once more later", Attribute: "outcome",
			Values: []string{"matched", "offered", "waiting", "no_match", "cancelled", Other}},
		RequestMatchDuration: {Name: "waggle.request.match.duration", Kind: Histogram, Unit: "s",
			Description: "from the matcher's message to the push of `matched`, for requests that were matched at once", Buckets: shortTimes},
		RequestWaitDuration: {Name: "waggle.request.wait.duration", Kind: Histogram, Unit: "s",
			Description: "how old a waiting request was when it was matched or offered", Buckets: longTimes},
		ReportPushDuration: {Name: "waggle.report.push.duration", Kind: Histogram, Unit: "s",
			Description: "from a report's arrival at the API to the end of its push to the peer", Buckets: shortTimes},
		SearchCells: {Name: "waggle.search.cells", Kind: Histogram, Unit: "{cell}",
			Description: "shard cells that the search of an assignment attempt has asked", Buckets: numbers},
		SearchCandidates: {Name: "waggle.search.candidates", Kind: Histogram, Unit: "{candidate}",
			Description: "entries that these cells have returned", Buckets: numbers},
		ClaimsRefused: {Name: "waggle.claims.refused", Kind: Counter, Unit: "{claim}",
			Description: "claims of candidates that were not granted, by the reason", Attribute: "reason",
			Values: []string{"claimed", "taken", "busy", "unavailable", "moved", Other}},
		Repairs: {Name: "waggle.repairs", Kind: Counter, Unit: "{repair}",
			Description: "matches that another process had left half done", Attribute: "repair",
			Values: []string{"finished", "undone", "ended", Other}},
		Pushes: {Name: "waggle.pushes", Kind: Counter, Unit: "{push}",
			Description: "frames pushed to clients", Attribute: "result",
			Values: []string{"ok", "gone", "throttled", "refused", "failed", Other}},
		PushDuration: {Name: "waggle.push.duration", Kind: Histogram, Unit: "s",
			Description: "how long a push took", Buckets: shortTimes},
		CacheTrips: {Name: "waggle.cache.trips", Kind: Counter, Unit: "{trip}",
			Description: "trips to the cache", Attribute: "result",
			Values: []string{"ok", "unreachable", "sign_in_throttled", "sign_in_refused", "forbidden", "no_writes", "not_ready", "not_loaded", "script_error", "no_reply", Other}},
		CacheTripDuration: {Name: "waggle.cache.trip.duration", Kind: Histogram, Unit: "s",
			Description: "how long a trip to the cache took", Buckets: shortTimes},
		EventsUnpublished: {Name: "waggle.events.unpublished", Kind: Counter, Unit: "{event}",
			Description: "events for the application that could not be published"},
	}
)

// Instruments lists all instruments.
func Instruments() []Instrument {
	list := make([]Instrument, instruments)
	for id := range instruments {
		list[id] = id.Instrument()
	}
	return list
}

// Instrument returns the instrument.
func (id ID) Instrument() Instrument {
	i := all[id]
	i.ID = id
	return i
}

// PrometheusName is the name of the instrument in the text format of Prometheus.
func (i Instrument) PrometheusName() string {
	name := strings.ReplaceAll(i.Name, ".", "_")
	switch {
	case i.Kind == Counter:
		return name + "_total"
	case i.Unit == "s":
		return name + "_seconds"
	}
	return name
}

// Value returns the value of the attribute as the instrument lists it: Other for one that is not
// listed, "" if the instrument has no attribute.
func (id ID) Value(attribute string) string {
	if all[id].Attribute == "" {
		return ""
	}
	return all[id].Values[id.place(attribute)]
}

// place is that of a value in the list of the attribute's values, of which Other is the last.
func (id ID) place(attribute string) int {
	if i := slices.Index(all[id].Values, attribute); i >= 0 {
		return i
	}
	return max(0, len(all[id].Values)-1)
}

// A Recorder takes values. It is safe for concurrent use. The attribute is "" for an instrument
// that has none; a value that is not listed counts as Other.
type Recorder interface {
	Record(id ID, attribute string, value float64)
	// Flush is called after each event. A recorder may write then.
	Flush()
}

// Nowhere is a Recorder that forgets.
type Nowhere struct{}

// Record implements Recorder.
func (Nowhere) Record(ID, string, float64) {}

// Flush implements Recorder.
func (Nowhere) Flush() {}
