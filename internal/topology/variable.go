package topology

import (
	"errors"
	"fmt"
	"strings"
)

// The environment variables of the functions. authorizerVariables and memberVariables say
// which functions get them.
const (
	CacheURL           = "WAGGLE_CACHE_URL"
	CacheUser          = "WAGGLE_CACHE_USER"
	CachePassword      = "WAGGLE_CACHE_PASSWORD"
	CacheIAM           = "WAGGLE_CACHE_IAM"
	PoolFile           = "WAGGLE_POOLS"
	ManagementEndpoint = "WAGGLE_MANAGEMENT_ENDPOINT"
	TimerQueue         = "WAGGLE_TIMER_QUEUE"
	EventBus           = "WAGGLE_EVENT_BUS"
	MetricsNamespace   = "WAGGLE_METRICS"
	TwoWay             = "WAGGLE_TWO_WAY"
	Issuer             = "WAGGLE_ISSUER"
	Audience           = "WAGGLE_AUDIENCE"
	AudienceClaim      = "WAGGLE_AUDIENCE_CLAIM"
	PoolClaim          = "WAGGLE_POOL_CLAIM"
	RolesClaim         = "WAGGLE_ROLES_CLAIM"
	TagsClaim          = "WAGGLE_TAGS_CLAIM"
	CardClaim          = "WAGGLE_CARD_CLAIM"
)

// A Variable is one setting of the environment.
type Variable struct {
	Name, Meaning string
	// Default is the value of a variable that is not set; "" is none.
	Default string
	// Required variables have no default: a function does not start without them.
	Required bool
	// Secret values are never shown or logged.
	Secret bool
}

// Variables lists every environment variable that a function reads.
func Variables() []Variable { return append(memberVariables(), authorizerVariables()...) }

// CheckEnds returns an error that names the variable if its value begins or ends with a blank,
// a line end, a quote or a byte order mark: a shell or a file has left it there.
func CheckEnds(name, value string) error {
	if strings.Trim(value, " \t\r\n\"'`\ufeff") != value {
		return fmt.Errorf("%s: %w", name, errEnds)
	}
	return nil
}

var errEnds = errors.New("it begins or ends with a blank, a line end, a quote or a byte order mark: remove that")

// memberVariables are those of the functions that serve members: all but the authorizer.
func memberVariables() []Variable {
	return []Variable{
		{Name: CacheURL, Meaning: "where the cache is: redis://host:port, or rediss:// for TLS", Required: true},
		{Name: CacheUser, Meaning: "the cache user's name", Default: "default"},
		{Name: CachePassword, Meaning: "the cache user's password", Secret: true},
		{Name: CacheIAM, Meaning: "signs in to ElastiCache by IAM and no password: serverless/NAME or cluster/NAME; it needs rediss:// and the cache user's name"},
		{Name: PoolFile, Meaning: "the pool file's content, as JSON; without it every pool has the defaults"},
		{Name: ManagementEndpoint, Meaning: "base URL of connection management; without it the domain and stage of the event"},
		{Name: TimerQueue, Meaning: "URL of the SQS queue that invokes the match function; without it members are told what has run out with the next message of either side"},
		{Name: EventBus, Meaning: "URL of EventBridge and of the bus that gets the application's events, such as https://events.REGION.amazonaws.com/NAME; without it there are no events"},
		{Name: MetricsNamespace, Meaning: "namespace of CloudWatch for the [metrics](operations.md#what-is-measured), which are written to standard output; without it there are none"},
		{Name: TwoWay, Meaning: "whether the routes have responses, so that acks, pongs and plain errors need no post: true or false", Default: "false"},
	}
}

func authorizerVariables() []Variable {
	return []Variable{
		{Name: Issuer, Meaning: "the OIDC issuer whose tokens are accepted, as it stands in them", Required: true},
		{Name: Audience, Meaning: "the audience that a token must be for", Required: true},
		{Name: AudienceClaim, Meaning: "the claim that holds the audience; client_id for Cognito access tokens", Default: "aud"},
		{Name: PoolClaim, Meaning: "the claim that holds the member's pool", Default: "pool"},
		{Name: RolesClaim, Meaning: "the claim that holds the member's roles", Default: "roles"},
		{Name: TagsClaim, Meaning: "the claim that holds the member's tags", Default: "tags"},
		{Name: CardClaim, Meaning: "the claim that holds what a peer is shown once matched", Default: "card"},
	}
}

func names(variables []Variable) []string {
	all := make([]string, len(variables))
	for i, v := range variables {
		all[i] = v.Name
	}
	return all
}
