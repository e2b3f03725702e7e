// Package pool holds the settings of pools: isolated markets whose members
// never meet. [Parse] reads a pool file, [Pools.For] returns what holds in one pool.
//
// To add a setting, add a field to [Settings] and a row to schema.
package pool

import "time"

// Consent says how a member agrees to be found.
type Consent string

// The two kinds of consent: by reporting a location, or only by saying so, and then for each
// match anew.
const (
	Implied  Consent = "implied"
	Required Consent = "required"
)

// Availability says how long a member's choice of being available stands.
type Availability string

// The two kinds: until the member changes it, or until its session ends.
const (
	Kept  Availability = "kept"
	Reset Availability = "reset"
)

// DefaultName is the pool of a token that names none. Every pool starts from its
// settings.
const DefaultName = "default"

// Settings are the rules of one pool. The ranges and meanings of the fields are in schema.
type Settings struct {
	Consent Consent
	// Confirm is how long a member has to accept where consent is required and the request does
	// not say.
	Confirm        time.Duration
	Availability   Availability
	RemoteRequests bool
	// LocationTTL is how long a location report keeps its member findable.
	LocationTTL time.Duration
	// Grace is how long the owner of a waiting request may be silent before the request
	// is passed over, and a member may be away from its match before that ends. A matcher is advised to report three times within it.
	Grace     time.Duration
	MaxRadius float64 // metres
	// MaxAccuracy is the worst accuracy in metres, and MaxSpeed the highest speed in metres a
	// second, of a report whose position is taken. 0: any.
	MaxAccuracy, MaxSpeed float64
	// ReportsPerSecond is a member's rate in the long run, ReportsBurst how many reports it
	// may send at once.
	ReportsPerSecond, ReportsBurst float64
	RequestsPerMinute              float64
	NearbyPerMinute                float64 // questions how many members are near
	// MessagesPerSecond and MessagesBurst are the same for all messages of a member together.
	MessagesPerSecond, MessagesBurst float64
	MatchesPerHour                   float64 // of the matcher
	// HarvestPerHour is how many matches a member may end early, CoolDown how long a pair that
	// parted is not matched again while there are others. 0 is no cool-down.
	HarvestPerHour float64
	CoolDown       time.Duration
}

// Pools holds the settings of all pools. The zero value has the defaults
// everywhere.
type Pools struct {
	named map[string]Settings
}

// Default returns the settings that hold where a pool file says nothing.
func Default() Settings {
	var s Settings
	for _, of := range schema() {
		of.reset(&s)
	}
	return s
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

// ValidName reports whether name can be a pool's: 1 to 32 of a-z, 0-9 and "-".
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
