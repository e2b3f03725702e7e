package pool

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// A field is one key of a pool's settings: how it is read, written and run
// faster. The schema is the only list of them.
type field struct {
	name  string
	read  func(*Settings, json.RawMessage) error
	write func(Settings) any
	// faster divides times and multiplies rates; nil where neither applies.
	faster func(*Settings, float64)
}

// schema lists the keys in the order in which they are written.
func schema() []field {
	return []field{
		{name: "consent", read: readConsent, write: func(s Settings) any { return s.Consent }},
		{name: "remoteRequests", read: readRemote, write: func(s Settings) any { return s.RemoteRequests }},
		seconds("locationTTL", func(s *Settings) *time.Duration { return &s.LocationTTL }),
		seconds("grace", func(s *Settings) *time.Duration { return &s.Grace }),
		number("maxRadius", "metres", 100, 20_000, func(s *Settings) *float64 { return &s.MaxRadius }),
		rate("reportsPerSecond", func(s *Settings) *float64 { return &s.ReportsPerSecond }),
		number("reportsBurst", "reports", 1, 1e6, func(s *Settings) *float64 { return &s.ReportsBurst }),
		rate("requestsPerMinute", func(s *Settings) *float64 { return &s.RequestsPerMinute }),
		rate("matchesPerHour", func(s *Settings) *float64 { return &s.MatchesPerHour }),
	}
}

// seconds is a time. A tenth of a second is enough for a replay at speed 60;
// two hours is the longest that a connection lives.
func seconds(name string, of func(*Settings) *time.Duration) field {
	return field{
		name: name,
		read: func(s *Settings, raw json.RawMessage) error {
			n, err := readNumber(raw, "seconds", 0.1, 7200)
			if err == nil {
				*of(s) = time.Duration(math.Round(n * float64(time.Second)))
			}
			return err
		},
		write: func(s Settings) any { return of(&s).Seconds() },
		faster: func(s *Settings, speed float64) {
			*of(s) = time.Duration(math.Round(float64(*of(s)) / speed))
		},
	}
}

// rate is a number of events in a unit of time.
func rate(name string, of func(*Settings) *float64) field {
	f := number(name, "a rate", 0.01, 1e6, of)
	f.faster = func(s *Settings, speed float64) { *of(s) *= speed }
	return f
}

func number(name, unit string, low, high float64, of func(*Settings) *float64) field {
	return field{
		name: name,
		read: func(s *Settings, raw json.RawMessage) error {
			n, err := readNumber(raw, unit, low, high)
			if err == nil {
				*of(s) = n
			}
			return err
		},
		write: func(s Settings) any { return *of(&s) },
	}
}

func readNumber(raw json.RawMessage, unit string, low, high float64) (float64, error) {
	var n *float64 // a pointer, so that null is not taken for 0
	if err := json.Unmarshal(raw, &n); err != nil || n == nil || *n < low || *n > high {
		return 0, fmt.Errorf("must be a number (%s) from %.15g to %.15g, not %s", unit, low, high, brief(raw))
	}
	return *n, nil
}

func readConsent(s *Settings, raw json.RawMessage) error {
	var c Consent
	if err := json.Unmarshal(raw, &c); err != nil || c != Implied && c != Required {
		return fmt.Errorf("must be %q or %q, not %s", Implied, Required, brief(raw))
	}
	s.Consent = c
	return nil
}

func readRemote(s *Settings, raw json.RawMessage) error {
	var b *bool
	if err := json.Unmarshal(raw, &b); err != nil || b == nil {
		return fmt.Errorf("must be true or false, not %s", brief(raw))
	}
	s.RemoteRequests = *b
	return nil
}

// brief shortens what stands in the file to what fits into a sentence.
func brief(raw json.RawMessage) string {
	if len(raw) > 40 {
		return string(raw[:40]) + "…"
	}
	return string(raw)
}
