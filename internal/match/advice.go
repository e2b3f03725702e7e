package match

// Advice is a kind of reporting advice, by what the location is wanted for.
type Advice string

// The kinds.
const (
	Watched     Advice = "watched"     // a matcher watches the member
	Watching    Advice = "watching"    // the member watches its matchee
	Available   Advice = "available"   // the member may be found
	Unavailable Advice = "unavailable" // nobody may find it
)
