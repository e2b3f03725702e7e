package pool

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// schema is the one list of a pool's settings, in the order in which they are written: the key
// of each, its default, its range and its meaning. Everything else follows from it, and a test
// holds the table in docs/configuration.md to it.
func schema() []setting {
	return []setting{
		choice("consent", Implied, "`implied`: a member who reports a location may be found. `required`: only one who has said `available: true`, and it is matched only if it accepts",
			func(s *Settings) *Consent { return &s.Consent }, Implied, Required),
		seconds("confirm", 30, shortest, 600, "how long a member has to accept where `consent` is `required`, if the request does not say",
			func(s *Settings) *time.Duration { return &s.Confirm }),
		choice("availability", Kept, "`kept`: what a member said of `available` stands until it says otherwise. `reset`: only for its session",
			func(s *Settings) *Availability { return &s.Availability }, Kept, Reset),
		boolean("remoteRequests", true, "whether a request may name a point more than 20 km from the member's own location, or come from a member without a fresh one",
			func(s *Settings) *bool { return &s.RemoteRequests }),
		seconds("locationTTL", 60, shortest, longest, "how long a location keeps its member findable", func(s *Settings) *time.Duration { return &s.LocationTTL }),
		seconds("grace", 60, shortest, longest, "when the owner of a waiting request has been silent for so long, the request is passed over. When a member has been away for so long, its match ends. A silent member is away after half of it",
			func(s *Settings) *time.Duration { return &s.Grace }),
		number("maxRadius", 20_000, "metres", 100, 20_000, "the widest search", func(s *Settings) *float64 { return &s.MaxRadius }),
		number("maxAccuracy", 500, "metres", 0, 100_000, "a report with a worse `accuracy` moves nothing. 0 takes every report", func(s *Settings) *float64 { return &s.MaxAccuracy }),
		speed("maxSpeed", 100, "how fast a member may move. A jump counts with the second report from there. 0 takes every jump", func(s *Settings) *float64 { return &s.MaxSpeed }),
		rate("reportsPerSecond", 5, "reports a second", "how many locations a member may send, in the long run", func(s *Settings) *float64 { return &s.ReportsPerSecond }),
		number("reportsBurst", 40, "reports", 1, 1e6, "how many locations a member may send at once", func(s *Settings) *float64 { return &s.ReportsBurst }),
		rate("messagesPerSecond", 20, "messages a second", "how many messages of any kind a member may send, in the long run", func(s *Settings) *float64 { return &s.MessagesPerSecond }),
		number("messagesBurst", 40, "messages", 1, 1e6, "how many messages of any kind a member may send at once", func(s *Settings) *float64 { return &s.MessagesBurst }),
		rate("requestsPerMinute", 10, "requests a minute", "how many `match` messages a member may send", func(s *Settings) *float64 { return &s.RequestsPerMinute }),
		rate("nearbyPerMinute", 6, "messages a minute", "how many `nearby` messages a member may send", func(s *Settings) *float64 { return &s.NearbyPerMinute }),
		rate("matchesPerHour", 30, "matches an hour", "how many matches a member may get as matcher", func(s *Settings) *float64 { return &s.MatchesPerHour }),
		rate("harvestPerHour", 20, "matches an hour", "how many matches a member may end within 60 s of their start, half of them at once",
			func(s *Settings) *float64 { return &s.HarvestPerHour }),
		seconds("coolDown", 300, 0, 600, "how long two members who parted by `cancelled`, or within 60 s, are not matched again while others are there; 0 is off",
			func(s *Settings) *time.Duration { return &s.CoolDown }),
	}
}

// A setting is one key of a pool's settings.
type setting struct {
	key string
	// allowed completes "it must be …".
	allowed, meaning string
	// reset sets the default.
	reset func(*Settings)
	// read sets what the file says, and returns false for a value that is not allowed.
	read  func(*Settings, json.RawMessage) bool
	write func(Settings) any
	// faster divides a time by the speed and multiplies a rate. It is nil for anything else.
	faster func(s *Settings, speed float64)
}

// of is a setting whose field holds the very value that the file has.
func of[T any](key string, byDefault T, allowed, meaning string, field func(*Settings) *T, ok func(T) bool) setting {
	return setting{
		key: key, allowed: allowed, meaning: meaning,
		reset: func(s *Settings) { *field(s) = byDefault },
		read: func(s *Settings, raw json.RawMessage) bool {
			return decode(raw, ok, func(value T) { *field(s) = value })
		},
		write: func(s Settings) any { return *field(&s) },
	}
}

// decode hands on a value that is allowed, and returns false for any other.
func decode[T any](raw json.RawMessage, ok func(T) bool, set func(T)) bool {
	var value *T // a pointer, so that null is not taken for a zero
	if err := json.Unmarshal(raw, &value); err != nil || value == nil || !ok(*value) {
		return false
	}
	set(*value)
	return true
}

func choice[T ~string](key string, byDefault T, meaning string, field func(*Settings) *T, words ...T) setting {
	var quoted []string
	for _, word := range words {
		quoted = append(quoted, strconv.Quote(string(word)))
	}
	return of(key, byDefault, strings.Join(quoted, " or "), meaning, field, func(value T) bool { return slices.Contains(words, value) })
}

func boolean(key string, byDefault bool, meaning string, field func(*Settings) *bool) setting {
	return of(key, byDefault, "true or false", meaning, field, func(bool) bool { return true })
}

func number(key string, byDefault float64, unit string, low, high float64, meaning string, field func(*Settings) *float64) setting {
	return of(key, byDefault, span(unit, low, high), meaning, field, within(low, high))
}

func speed(key string, byDefault float64, meaning string, field func(*Settings) *float64) setting {
	s := number(key, byDefault, "metres a second", 0, 1e9, meaning, field)
	s.faster = func(s *Settings, speed float64) { *field(s) *= speed }
	return s
}

// rate is a number of events in a unit of time.
func rate(key string, byDefault float64, unit, meaning string, field func(*Settings) *float64) setting {
	s := number(key, byDefault, unit, 0.01, 1e6, meaning, field)
	s.faster = func(s *Settings, speed float64) { *field(s) *= speed }
	return s
}

// A tenth of a second is enough for a replay at speed 60, and two hours are the longest that a
// connection lives.
const shortest, longest = 0.1, 7200

// seconds is a time, a number in the file.
func seconds(key string, byDefault, low, high float64, meaning string, field func(*Settings) *time.Duration) setting {
	set := func(s *Settings, seconds float64) {
		*field(s) = time.Duration(math.Round(seconds * float64(time.Second)))
	}
	return setting{
		key: key, allowed: span("seconds", low, high), meaning: meaning,
		reset: func(s *Settings) { set(s, byDefault) },
		read: func(s *Settings, raw json.RawMessage) bool {
			return decode(raw, within(low, high), func(n float64) { set(s, n) })
		},
		write:  func(s Settings) any { return field(&s).Seconds() },
		faster: func(s *Settings, speed float64) { *field(s) = time.Duration(math.Round(float64(*field(s)) / speed)) },
	}
}

func span(unit string, low, high float64) string {
	return fmt.Sprintf("a number of %s from %.15g to %.15g", unit, low, high)
}

func within(low, high float64) func(float64) bool {
	return func(n float64) bool { return low <= n && n <= high }
}
