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
	// EventBus is the name or the ARN of the EventBridge bus that gets the application's events, or "".
	EventBus string
	// LogDays is for how many days logs are kept, a number that CloudWatch allows.
	LogDays int
	// AlarmTopic is the ARN of the SNS topic that alarms notify, or "".
	AlarmTopic string
}

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

// The kinds of caches: a serverless ElastiCache, a cluster of ElastiCache nodes, or a
// cache that the deployer has already.
const (
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

// Cache has the settings of the cache. Which of them are used depends on Kind.
type Cache struct {
	Kind Kind

	// MaxGB and MaxECPU bound a serverless cache, and so its price: gigabytes, and
	// processing units per second, 0 for no bound. When it holds MaxGB it evicts entries.
	MaxGB, MaxECPU int

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

// Network has the settings of the VPC.
type Network struct {
	// VPC is the id of an existing VPC. "": the stack has a new one.
	VPC string
	// Subnets are the ids of the existing VPC's subnets to use. Empty: its private ones
	// with a way out are looked up, which takes credentials.
	Subnets []string
	Egress  Egress
	// NATGateways is how many NAT gateways a new VPC has, 1 or 2.
	NATGateways int
}

// AccessLogs is whether API Gateway logs accesses.
type AccessLogs string

// API Gateway logs with a role of which an account has one in each region. LogsOn
// creates it, LogsAccount uses the one that exists.
const (
	LogsOn      AccessLogs = "on"
	LogsAccount AccessLogs = "account"
	LogsOff     AccessLogs = "off"
)

// API has the settings of API Gateway.
type API struct {
	// Rate and Burst bound the messages of all clients together: per second, and at once.
	Rate, Burst int
	AccessLogs  AccessLogs
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
		Cache:    Cache{Kind: Serverless, MaxGB: 10, NodeType: "cache.m7g.large", Shards: 1, Replicas: 1, Durability: Sync},
		Network:  Network{Egress: NAT, NATGateways: 2},
		API:      API{Rate: 5000, Burst: 2500, AccessLogs: LogsOn},
		LogDays:  30,
	}
}
