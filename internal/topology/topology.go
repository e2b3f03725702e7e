// Package topology is the one list of the system's parts: which function
// serves which routes, with which environment and resources. The functions, the
// stack on one machine and the one on AWS all read it, so that they agree.
package topology

import (
	"slices"
	"time"
)

// The routes that API Gateway itself has. Every other route is an action of
// the protocol.
const (
	RouteConnect    = "$connect"
	RouteDisconnect = "$disconnect"
	RouteDefault    = "$default" // what no other route takes
)

// RouteSelection is the expression by which API Gateway finds a message's route.
const RouteSelection = "$request.body.action"

// Stage is the API's one stage, a segment of every URL but those of a domain of
// one's own.
const Stage = "prod"

// The functions, by the names of their directories.
const (
	Authorizer = "authorizer"
	Connect    = "connect"
	Disconnect = "disconnect"
	Location   = "location"
	Match      = "match"
)

// A Function is one Lambda function, built from functions/<Name>.
type Function struct {
	Name string
	// Routes that it serves; none for the authorizer.
	Routes []string
	// Authorizer marks the one that API Gateway asks before $connect.
	Authorizer bool
	// Env names the variables it reads.
	Env []string
	// VPC: it runs where the cache is, and so without a way out of its own.
	VPC bool
	// Pushes: it may post to connections and close them.
	Pushes bool
	// Timeout is below API Gateway's 29 s and, for those that commit
	// matches, below the 15 s after which a match half made is taken back.
	Timeout  time.Duration
	MemoryMB int
}

// Functions lists all functions.
func Functions() []Function {
	cached := func(name string, routes ...string) Function {
		return Function{
			Name:   name,
			Routes: routes,
			Env:    []string{CacheURL, CacheUser, CachePassword, CacheIAM, PoolFile, ManagementEndpoint},
			VPC:    true, Pushes: true,
			Timeout:  10 * time.Second,
			MemoryMB: 512,
		}
	}
	return []Function{
		{
			Name:       Authorizer,
			Authorizer: true,
			Env:        []string{Issuer, Audience, AudienceClaim, PoolClaim, RolesClaim, TagsClaim, CardClaim},
			Timeout:    10 * time.Second,
			MemoryMB:   256,
		},
		cached(Connect, RouteConnect, "hello", "ping", RouteDefault),
		cached(Disconnect, RouteDisconnect),
		cached(Location, "location", "locate"),
		cached(Match, "match", "cancel", "end"),
	}
}

// ForRoute returns the function that serves a route; false where only
// RouteDefault would take it.
func ForRoute(route string) (Function, bool) {
	for _, f := range Functions() {
		if slices.Contains(f.Routes, route) {
			return f, true
		}
	}
	return Function{}, false
}
