// Package pool holds the settings of pools: isolated markets whose members
// never meet. Parse reads a pool file, For answers what holds in one pool.
package pool

import "time"

// Consent says how a member agrees to be found.
type Consent string

// The two kinds of consent: by reporting a location, or only by opting in.
const (
	Implied  Consent = "implied"
	Required Consent = "required"
)

// DefaultName is the pool of a token that names none, and the one whose
// settings every pool starts from.
const DefaultName = "default"

// Settings are the rules of one pool.
type Settings struct {
	Consent Consent
	// RemoteRequests allows a request for a point more than 20 km away from
	// the member's own report.
	RemoteRequests bool
	// LocationTTL is how long a report keeps its member findable.
	LocationTTL time.Duration
	// Grace is how long the owner of a waiting request may be silent before the
	// request is passed over, and three times as long as a matcher's reporting advice.
	Grace time.Duration
	// MaxRadius is the widest request, in metres.
	MaxRadius float64
	// ReportsPerSecond is a member's lasting rate, ReportsBurst how many it
	// may send at once.
	ReportsPerSecond, ReportsBurst float64
	RequestsPerMinute              float64
	// MatchesPerHour counts for the matcher.
	MatchesPerHour float64
}

// Pools holds the settings of all pools. The zero value has the defaults
// everywhere.
type Pools struct {
	named map[string]Settings
}

// Default returns the settings that hold where a pool file says nothing.
func Default() Settings {
	return Settings{
		Consent:           Implied,
		RemoteRequests:    true,
		LocationTTL:       60 * time.Second,
		Grace:             60 * time.Second,
		MaxRadius:         20_000,
		ReportsPerSecond:  5,
		ReportsBurst:      10,
		RequestsPerMinute: 10,
		MatchesPerHour:    30,
	}
}

// For returns the settings of a pool: its own, or those of the default pool
// where the file does not name it.
func (p Pools) For(name string) Settings {
	if s, ok := p.named[name]; ok {
		return s
	}
	if s, ok := p.named[DefaultName]; ok {
		return s
	}
	return Default()
}

// ValidName tells whether name can be a pool: 1 to 32 of a-z, 0-9 and "-".
func ValidName(name string) bool {
	if len(name) < 1 || len(name) > 32 {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
