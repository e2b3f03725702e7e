package match

import "time"

// The lifetimes of stored data. The scripts get them from here.
const (
	// Lease is how long one assignment attempt may take. Then another may begin.
	Lease = 15 * time.Second
	// Kept is how long an entry that nobody uses is kept: longer than any session.
	Kept = 2*time.Hour + 10*time.Minute
	// EndRemembered is how long a member can learn why a match ended.
	EndRemembered = time.Minute
	// OutcomeRemembered is how long a repeated request id gets the outcome of the first.
	OutcomeRemembered = 10 * time.Minute
	// MaxAhead is how far a client's clock may be ahead, and the gateway's clock may differ.
	MaxAhead = 30 * time.Second
	// AskAgain is how often a member that stays within the circles of waiting requests is told
	// of them again: an attempt for one of them may have come to nothing.
	AskAgain = 10 * time.Second
	// ChoiceKept is how long a member's choice of its availability and tags is kept while it is away.
	ChoiceKept = 30 * 24 * time.Hour
	// Advised is how often an available member is advised to report.
	Advised = 30 * time.Second
	// ClockOff is how far the time of a report may be from its arrival before its sender is told.
	ClockOff = 15 * time.Second
	// SearchAgain is how long a hello makes no search for a request that was just searched for.
	// The search saw every member that was listed before, and the listing of one that comes
	// later wakes the request.
	SearchAgain = 3 * time.Second
	// CountKept is how long the number of a cell's members stays as it was told.
	CountKept = 30 * time.Second
	// NotifyAgain is how long what a member is not yet told is left to the process that pushes it.
	// A post takes at most 2 s.
	NotifyAgain = 3 * time.Second
	// CheckMatch is how often a ping or a cancel looks at the other half of its sender's match.
	CheckMatch = 10 * time.Second
	// Early is the age up to which a match that ends was of no use to the member who did not
	// end it.
	Early = time.Minute
)

// The limits of one member. The pool has the others.
const (
	// A member with more than so many messages refused for their rate within RefusalsIn is kept
	// out: its connection is closed, and it cannot connect for the time KeptOut.
	Refusals   = 50
	RefusalsIn = 10 * time.Second
	KeptOut    = 30 * time.Second
	// ConnectsPerMinute is how often a member may connect in the long run, ConnectsBurst how
	// often at once.
	ConnectsPerMinute = 30
	ConnectsBurst     = 20
)

// The time limits of one message.
const (
	// forOthers is how long a message may go on beginning attempts for others.
	forOthers = 2 * time.Second
	// patience is how long one message waits until another request is decided, and how long
	// a request that does not wait stays open.
	patience = time.Second
	// firstPause and pause come before a retry. Of two rivals the smaller id has firstPause.
	firstPause = 15 * time.Millisecond
	pause      = 60 * time.Millisecond
	// slow is the age from which a reply of the cache is too old to push what it says.
	slow = 2 * time.Second
	// abandoned is the age from which an unconfirmed claim is repaired by other processes.
	abandoned = 3 * time.Second
	// justConnected is the age up to which a connection is not ended by a push that finds it
	// gone: the push may have overtaken the connect.
	justConnected = 10 * time.Second
	// pushPause comes before the second push to such a connection.
	pushPause = 250 * time.Millisecond
)

// The budgets of one message.
const (
	firstWant      = 4   // candidates that a search asks of a cell at first
	mostWanted     = 512 // candidates that it asks of a cell at most: more than one run reads
	maxSearchTrips = 64  // of one search
	maxClaims      = 64  // candidates that one search tries to claim
	maxMoves       = 4   // times that one candidate may move while it is being claimed
	maxAttempts    = 6   // assignment attempts for requests of others
	maxWoken       = 16  // waiting requests that one listing tries to serve
	maxRivals      = 3   // waiting members that a registration serves first
	maxSlowReads   = 3   // slow answers in a row before the cache counts as unavailable
	maxForgets     = 3   // tries to forget a member who connects or is matched meanwhile
	maxPeerReads   = 3   // reads of a match that one say makes until the peer is told of it
)
