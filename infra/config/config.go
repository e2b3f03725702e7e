// Package config is what a deployer may choose about the stack on AWS. Parse reads
// it from what the CDK calls context, `-c key=value`; an application with a CDK app
// of its own begins with Default, fills in the fields and asks Check. Either way a
// wrong choice is an error of one sentence that names it and says what is allowed.
package config

// Config is everything that a deployer chooses. Default returns what holds where
// nothing is said; Identity and Pools have no default.
type Config struct {
	// Stack is the CloudFormation stack's name.
	Stack  string
	Target Target
	// Emulator is the URL of an emulator, as functions and clients reach it; for Local.
	Emulator string
	// Arch is the machine that the functions were built for: make build ARCH=….
	Arch     Arch
	Identity Identity
	// Pools are the settings of pools; nil until somebody has chosen how the
	// members of the default pool consent to be found.
	Pools   *Pools
	Cache   Cache
	Network Network
	API     API
	// LogDays is how long logs are kept, one of CloudWatch's numbers of days.
	LogDays int
	// AlarmTopic is the ARN of an SNS topic that alarms are sent to; without one they
	// are only seen.
	AlarmTopic string
}

// Target is what the stack is deployed to.
type Target string

// AWS, or an emulator on this machine, which leaves out what emulators cannot do.
const (
	AWS   Target = "aws"
	Local Target = "local"
)

// Arch is the machine of the functions.
type Arch string

// Lambda's machines, as Go calls them.
const (
	ARM64 Arch = "arm64"
	AMD64 Arch = "amd64"
)

// Identity says whose tokens are accepted and where in them the claims are. An empty
// claim is called as the authorizer calls it by default.
type Identity struct {
	Issuer, Audience, AudienceClaim             string
	PoolClaim, RolesClaim, TagsClaim, CardClaim string
}

// Kind is where the data is.
type Kind string

// The kinds of caches: ElastiCache that grows by itself, ElastiCache nodes, or
// whatever is there already.
const (
	Serverless Kind = "serverless"
	Cluster    Kind = "cluster"
	Existing   Kind = "existing"
)

// Durability is what a cluster does with a write before it answers.
type Durability string

// Sync loses nothing that was answered, async at most ten seconds of it in a
// failover. It cannot be switched on later, nor off.
const (
	Sync     Durability = "sync"
	Async    Durability = "async"
	Disabled Durability = "disabled"
)

// Cache says where the data is. Which fields count depends on the kind.
type Cache struct {
	Kind Kind

	// MaxGB and MaxECPU bound a serverless cache, and so its bill: gigabytes, and
	// processing units a second, 0 for no bound. At the maximum of gigabytes it evicts.
	MaxGB, MaxECPU int

	// NodeType, Shards, Replicas (of each shard) and Durability make a cluster.
	NodeType         string
	Shards, Replicas int
	Durability       Durability

	// Endpoint is an existing cache's URL, rediss://host:port.
	Endpoint string
	// IAM is serverless/NAME or cluster/NAME where the existing cache takes IAM
	// authentication, of the user User.
	IAM, User string
	// Secret names the secret in Secrets Manager whose text is User's password.
	Secret string
	// SecurityGroup is the existing cache's: the functions are let in.
	SecurityGroup string
}

// Egress is the way out of the VPC to connection management.
type Egress string

// A NAT gateway costs some 33 dollars a month. IPv6 costs nothing, and nobody has
// verified it end to end.
const (
	NAT  Egress = "nat"
	IPv6 Egress = "ipv6"
)

// Network says where functions and cache are.
type Network struct {
	// VPC is the id of an existing one; a new one is made otherwise.
	VPC string
	// Subnets are the ids of its subnets to use; otherwise its private ones with a
	// way out are looked up, which needs credentials.
	Subnets []string
	Egress  Egress
	// NATGateways of a new VPC, at most one in each of its two zones.
	NATGateways int
}

// AccessLogs says whether API Gateway logs accesses.
type AccessLogs string

// API Gateway logs by a role that an account has once in each region. LogsOn makes
// one, LogsAccount uses the one that the account has.
const (
	LogsOn      AccessLogs = "on"
	LogsAccount AccessLogs = "account"
	LogsOff     AccessLogs = "off"
)

// API is about API Gateway.
type API struct {
	// Rate and Burst bound the messages of all clients together, per second and at once.
	Rate, Burst int
	AccessLogs  AccessLogs
	// Domain is a name of one's own, with the ARN of its certificate in this region.
	Domain, Certificate string
}

// Default returns what holds where nothing is said.
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
