// Package topology is the one list of the system's parts: which function
// serves which routes, with which environment and resources. The functions, the
// local stack and the stack on AWS all read it, so that they agree. Start at
// [Functions].
package topology

import "time"

// A Function is one Lambda function, built from functions/<Name>.
type Function struct {
	Name string
	// Routes are those that it serves; the authorizer has none.
	Routes []string
	// Authorizer marks the function that API Gateway asks before $connect.
	Authorizer bool
	// Env names the environment variables that it reads, and gets.
	Env []string
	// VPC functions run in the cache's VPC if it is in one, and then reach the internet only
	// through it.
	VPC bool
	// Pushes allows it to post to connections and to close them.
	Pushes bool
	// Timers marks the function that the queue of timers invokes.
	Timers bool
	// Timeout is below API Gateway's 29 s. A function that commits matches also ends before
	// the lease of its assignment attempt, match.Lease.
	Timeout  time.Duration
	MemoryMB int
}

// Functions lists all functions.
func Functions() []Function {
	member := func(name string, routes ...string) Function {
		return Function{
			Name:   name,
			Routes: routes,
			Env:    names(memberVariables()),
			VPC:    true, Pushes: true,
			Timeout:  10 * time.Second,
			MemoryMB: 512,
		}
	}
	match := member(Match, "match", "accept", "decline", "cancel", "end")
	match.Timers = true
	return []Function{
		{
			Name:       Authorizer,
			Authorizer: true,
			Env:        names(authorizerVariables()),
			Timeout:    10 * time.Second,
			MemoryMB:   256,
		},
		member(Connect, RouteConnect, "hello", "ping", RouteDefault),
		member(Disconnect, RouteDisconnect),
		member(Location, "location", "locate", "say", "nearby"),
		match,
	}
}

// The functions, by the names of their directories.
const (
	Authorizer = "authorizer"
	Connect    = "connect"
	Disconnect = "disconnect"
	Location   = "location"
	Match      = "match"
)

// The routes of API Gateway itself. Every other route is an action of the
// protocol.
const (
	RouteConnect    = "$connect"
	RouteDisconnect = "$disconnect"
	RouteDefault    = "$default" // takes every message that names no other route
)

// RouteSelection is the expression by which API Gateway finds a message's route.
const RouteSelection = "$request.body.action"

// Stage is the API's one stage, a segment of every URL except those of a custom
// domain.
const Stage = "prod"
