// Package config has the settings of the stack on AWS. Parse reads them from the CDK's
// context, `-c key=value`. A CDK app of one's own starts from Default, sets fields, and
// takes the pools from ParsePools. Check finds wrong settings: its error names the
// setting and says what is allowed.
package config

// Config has all settings. Default returns their defaults; Identity and Pools have none.
type Config struct {
	// Stack is the CloudFormation stack's name.
	Stack  string
	Target Target
	// Emulator is the emulator's URL for functions and clients, with Target Local.
	Emulator string
	// Arch is the machine for which the functions were built, with make build ARCH=….
	Arch     Arch
	Identity Identity
	// Pools has the settings of all pools, as ParsePools returns them.
	Pools   *Pools
	Cache   Cache
	Network Network
	API     API
	// ConnectConcurrency is how many environments the functions of new connections have
	// for themselves, the authorizer and connect each; 0 for none.
	ConnectConcurrency int
	// LambdaLogs is from which level on Lambda itself logs.
	LambdaLogs Level
	// Tags are put on all resources.
	Tags map[string]string
	// EventBus is the name or the ARN of the EventBridge bus that gets the application's events, or "".
	EventBus string
	// LogDays is for how many days logs are kept, a number that CloudWatch allows.
	LogDays int
	// AlarmTopic is the ARN of the SNS topic that alarms notify, or "".
	AlarmTopic string
}

// Level is a level of Lambda's own log lines.
type Level string

// With LevelInfo Lambda writes three lines about each invocation, with LevelWarn only what
// went wrong.
const (
	LevelWarn Level = "warn"
	LevelInfo Level = "info"
)

// Target is where the stack is deployed.
type Target string

// The targets: AWS, or an emulator on this machine, whose stack has no VPC and no alarms.
const (
	AWS   Target = "aws"
	Local Target = "local"
)

// Arch is the machine of the functions.
type Arch string

// Lambda's machines, by their names in Go.
const (
	ARM64 Arch = "arm64"
	AMD64 Arch = "amd64"
)

// Identity says which tokens are accepted and what their claims are called. An empty
// claim has the authorizer's default name.
type Identity struct {
	Issuer, Audience, AudienceClaim             string
	PoolClaim, RolesClaim, TagsClaim, CardClaim string
}

// Kind is a kind of cache.
type Kind string

// The kinds of caches: a serverless ElastiCache with a public endpoint, one in a VPC, a
// cluster of ElastiCache nodes in a VPC, or a cache that the deployer has already.
const (
	Public     Kind = "public"
	Serverless Kind = "serverless"
	Cluster    Kind = "cluster"
	Existing   Kind = "existing"
)

// Durability is whether a cluster keeps writes across a failover.
type Durability string

// With Sync a failover loses no write that was answered, with Async those of the last
// ten seconds at most.
const (
	Sync     Durability = "sync"
	Async    Durability = "async"
	Disabled Durability = "disabled"
)

// Serverless reports whether it is a serverless cache of the stack's.
func (k Kind) Serverless() bool { return k == Public || k == Serverless }

// Cache has the settings of the cache. Which of them are used depends on Kind.
type Cache struct {
	Kind Kind

	// MaxGB and MaxECPU bound a serverless cache, and so its price: gigabytes, and
	// processing units per second, 0 for no bound. When it holds MaxGB it evicts entries.
	MaxGB, MaxECPU int
	// MinGB and MinECPU are what it has ready, and what is billed at least; 0 for the
	// least. They are for an event that is known to come.
	MinGB, MinECPU int

	// NodeType, Shards, Replicas (of each shard) and Durability are of a cluster.
	NodeType         string
	Shards, Replicas int
	Durability       Durability

	// Endpoint is an existing cache's URL, rediss://host:port.
	Endpoint string
	// IAM is serverless/NAME or cluster/NAME if User signs in to the existing cache with
	// IAM, or "".
	IAM, User string
	// Secret names the secret in Secrets Manager whose text is User's password.
	Secret string
	// SecurityGroup is the existing cache's. The stack adds a rule for the functions to it.
	SecurityGroup string
}

// Egress is the way out of the VPC to connection management.
type Egress string

// A NAT gateway costs some 33 dollars a month. IPv6 costs nothing, but is not verified
// on AWS yet.
const (
	NAT  Egress = "nat"
	IPv6 Egress = "ipv6"
)

// InVPC reports whether the functions that use the cache are in a VPC. Emulators have
// none, and a public endpoint needs none.
func (c Config) InVPC() bool {
	if c.Target == Local || c.Cache.Kind == Public {
		return false
	}
	return c.Cache.Kind != Existing || c.Network.VPC != ""
}

// Network has the settings of the VPC, with InVPC.
type Network struct {
	// VPC is the id of an existing VPC. "": the stack has a new one, or with an existing
	// cache none.
	VPC string
	// Subnets are the ids of the existing VPC's subnets to use. Empty: its private ones
	// with a way out are looked up, which takes credentials.
	Subnets []string
	Egress  Egress
	// NATGateways is how many NAT gateways a new VPC has, 1 or 2.
	NATGateways int
	// Zones are the two zones of a new VPC. Empty: the region's first two.
	Zones []string
}

// AccessLogs is whether API Gateway logs accesses.
type AccessLogs string

// API Gateway logs with a role of which an account has one in each region. LogsOn
// creates it, also in place of the one that exists; LogsAccount uses the one that exists.
const (
	LogsOn      AccessLogs = "on"
	LogsAccount AccessLogs = "account"
	LogsOff     AccessLogs = "off"
)

// API has the settings of API Gateway.
type API struct {
	// Rate and Burst bound the messages of all clients together: per second, and at once.
	// ConnectRate bounds the new connections per second. 0: what fits the region's quota.
	Rate, Burst, ConnectRate int
	AccessLogs               AccessLogs
	// TwoWay lets acks, pongs and plain errors be the responses of the routes, in place of posts.
	TwoWay bool
	// Domain is a custom domain name, and Certificate the ARN of its certificate in the
	// stack's region.
	Domain, Certificate string
}

// Default returns the defaults.
func Default() Config {
	return Config{
		Stack:    "Waggle",
		Target:   AWS,
		Emulator: "http://127.0.0.1:4566",
		Arch:     ARM64,
		Cache:    Cache{Kind: Public, MaxGB: 10, NodeType: "cache.m7g.large", Shards: 1, Replicas: 1, Durability: Sync},
		Network:  Network{Egress: NAT, NATGateways: 2},
		API:      API{AccessLogs: LogsOn},
		LogDays:  30,

		LambdaLogs: LevelWarn,
	}
}
