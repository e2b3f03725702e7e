package config

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Setting is one key of the context.
type Setting struct {
	Key string
	// Allowed completes "it must be …". Default is the default, or "".
	Allowed, Default string
	Meaning          string
	// With is the other setting that this one requires, or "".
	With string
	// Fixed says why the setting cannot change once the stack exists, or "".
	Fixed string
}

// Settings lists every key.
func Settings() []Setting {
	var all []Setting
	for _, s := range settings() {
		all = append(all, s.Setting)
	}
	return all
}

type setting struct {
	Setting
	// set reports whether the value is allowed.
	set func(d *draft, value string) bool
	// only reports whether With is fulfilled; nil: there is no With.
	only func(Config) bool
}

// settings is the only list of keys.
func settings() []setting {
	onAWS := group{"target=aws", func(c Config) bool { return c.Target == AWS }}
	onEmulator := group{"target=local", func(c Config) bool { return c.Target == Local }}
	inVPC := group{"cache=serverless, cache=cluster, or vpcId with cacheEndpoint", Config.InVPC}
	ownVPC := group{"a new VPC", func(c Config) bool { return c.InVPC() && c.Network.VPC == "" }}
	newVPC := group{"egress=nat in a new VPC", func(c Config) bool { return c.InVPC() && c.Network.VPC == "" && c.Network.Egress == NAT }}
	vpc := group{"cache=serverless, cache=cluster or cacheEndpoint", func(c Config) bool { return c.Target == AWS && c.Cache.Kind != Public }}
	ours := group{"a new cache", func(c Config) bool { return c.Cache.Kind != Existing }}
	serverless := group{"cache=public or cache=serverless", func(c Config) bool { return c.Cache.Kind.Serverless() }}
	cluster := group{"cache=cluster", func(c Config) bool { return c.Cache.Kind == Cluster }}
	privately := group{"cacheEndpoint and vpcId", func(c Config) bool { return c.Cache.Kind == Existing && c.Network.VPC != "" }}
	existing := group{"cacheEndpoint", func(c Config) bool { return c.Cache.Kind == Existing }}
	return []setting{
		name("issuer", "the OIDC issuer whose tokens are accepted, exactly as the tokens name it", "a URL, https://…", `https?://[^\s"'?#]+`,
			func(d *draft) *string { return &d.Identity.Issuer }),
		name("audience", "the audience that a token must have", "an audience as the tokens name it", `[^\s"']{1,256}`,
			func(d *draft) *string { return &d.Identity.Audience }),
		claim("audienceClaim", "the claim that holds the audience; `client_id` for Cognito access tokens", "aud",
			func(d *draft) *string { return &d.Identity.AudienceClaim }),
		claim("claim.pool", "the claim that holds the member's pool", "pool", func(d *draft) *string { return &d.Identity.PoolClaim }),
		claim("claim.roles", "the claim that holds the member's roles", "roles", func(d *draft) *string { return &d.Identity.RolesClaim }),
		claim("claim.tags", "the claim that holds the member's tags", "tags", func(d *draft) *string { return &d.Identity.TagsClaim }),
		claim("claim.card", "the claim that holds the member's card, which its peer sees", "card", func(d *draft) *string { return &d.Identity.CardClaim }),

		choice("consent", "how members of the default pool consent to be found; the pool file can set it instead", "",
			func(d *draft) *string { return &d.consent }, "implied", "required"),
		name("pools", "the pool file, relative to the folder in which `make` runs", "the name of a file", `.+`, func(d *draft) *string { return &d.poolFile }),
		{Setting: Setting{Key: "remoteRequests", Allowed: "true or false", Default: "false",
			Meaning: "whether a request may name a point more than 20 km from the member's last location; the pool file can set it instead"},
			set: func(d *draft, value string) bool {
				d.remoteRequests = value == "true"
				return value == "true" || value == "false"
			}},

		ours.only(choice("cache", "where the data is: a serverless cache with a public endpoint and no VPC, one in a VPC, or a cluster of nodes in a VPC", Public,
			func(d *draft) *Kind { return &d.Cache.Kind }, Public, Serverless, Cluster).fixed("another kind of cache is another cache, which is empty")),
		serverless.only(number("cacheMaxGB", "the most that the cache may hold, in gigabytes", 1, 5000, func(d *draft) *int { return &d.Cache.MaxGB })),
		serverless.only(number("cacheMaxECPU", "the most processing units a second", 1000, 15_000_000, func(d *draft) *int { return &d.Cache.MaxECPU })),
		serverless.only(number("cacheMinGB", "the gigabytes that it has ready, and that are billed at least", 1, 5000, func(d *draft) *int { return &d.Cache.MinGB })),
		serverless.only(number("cacheMinECPU", "the processing units a second that it has ready, and that are billed at least", 1000, 15_000_000,
			func(d *draft) *int { return &d.Cache.MinECPU })),
		cluster.only(name("cacheNodeType", "the type of the nodes", "an ElastiCache node type such as cache.m7g.large", `cache\.[a-z0-9]+\.[a-z0-9]+`,
			func(d *draft) *string { return &d.Cache.NodeType }).byDefault(Default().Cache.NodeType)),
		cluster.only(number("cacheShards", "how many shards", 1, 90, func(d *draft) *int { return &d.Cache.Shards })),
		cluster.only(number("cacheReplicas", "how many replicas of each shard", 1, 5, func(d *draft) *int { return &d.Cache.Replicas })),
		cluster.only(choice("cacheDurability", "`sync` loses nothing that was acknowledged, `async` at most 10 s in a failover",
			Sync, func(d *draft) *Durability { return &d.Cache.Durability }, Sync, Async, Disabled)),
		{Setting: Setting{Key: "cacheEndpoint", Allowed: "host:port of a cache with TLS, or redis://host:port for target=local", Meaning: "an existing cache instead of a new one; without vpcId it must be a serverless one with a public endpoint",
			Fixed: "a stack with a cache of its own would remove it, with all members; another endpoint of an existing cache is no such change"},
			set: func(d *draft, value string) bool {
				d.Cache.Kind = Existing
				d.Cache.Endpoint = endpoint(value)
				return d.Cache.Endpoint != ""
			}},
		existing.only(name("cacheIAM", "the existing cache's name, if its user signs in with IAM", "serverless/NAME or cluster/NAME, in lower case",
			`(serverless|cluster)/[a-z][a-z0-9-]{0,39}`, func(d *draft) *string { return &d.Cache.IAM })),
		existing.only(name("cacheUser", "the existing cache's user", "a user's name", `[A-Za-z][A-Za-z0-9_-]{0,127}`, func(d *draft) *string { return &d.Cache.User })),
		existing.only(name("cacheSecret", "the secret in Secrets Manager whose text is that user's password", "a secret's name or ARN", `[A-Za-z0-9/_+=.@:-]+`,
			func(d *draft) *string { return &d.Cache.Secret })),
		privately.only(name("cacheSecurityGroup", "the existing cache's security group, to which the stack adds a rule for the functions", "a security group's id, sg-…", `sg-`+hex,
			func(d *draft) *string { return &d.Cache.SecurityGroup })),

		inVPC.only(choice("egress", "the way out of the VPC: NAT gateways, or IPv6, which costs nothing and is not verified yet", NAT,
			func(d *draft) *Egress { return &d.Network.Egress }, NAT, IPv6)),
		newVPC.only(number("natGateways", "how many NAT gateways; with one, no push goes out when its zone fails", 1, 2, func(d *draft) *int { return &d.Network.NATGateways })),
		vpc.only(name("vpcId", "an existing VPC instead of a new one", "a VPC's id, vpc-…", `vpc-`+hex, func(d *draft) *string { return &d.Network.VPC })).
			fixed("a new cache cannot move to another VPC"),
		{Setting: Setting{Key: "subnetIds", Allowed: "ids of two subnets or more, subnet-…,subnet-…", With: "vpcId",
			Meaning: "its subnets to use, in different zones and with a way out; otherwise its private ones are looked up",
			Fixed:   "a new cache cannot move to other subnets"},
			set: func(d *draft, value string) bool {
				d.Network.Subnets = strings.Split(value, ",")
				return matches(`subnet-`+hex+`(,subnet-`+hex+`)+`, value)
			},
			only: func(c Config) bool { return c.Network.VPC != "" }},
		ownVPC.only(setting{Setting: Setting{Key: "zones", Allowed: "two zones of the region, such as eu-west-1a,eu-west-1b",
			Meaning: "the zones of the new VPC; otherwise the region's first two"},
			set: func(d *draft, value string) bool {
				d.Network.Zones = strings.Split(value, ",")
				return matches(`[a-z0-9-]+,[a-z0-9-]+`, value) && d.Network.Zones[0] != d.Network.Zones[1]
			}}).fixed("a new cache cannot move to other zones"),

		number("throttleRate", "messages a second of all clients together", 1, 1_000_000, func(d *draft) *int { return &d.API.Rate }).byDefault("4000; 1000 in a small region"),
		number("throttleBurst", "messages at once", 1, 1_000_000, func(d *draft) *int { return &d.API.Burst }).byDefault("2000; 500 in a small region"),
		number("connectRate", "new connections a second", 1, 100_000, func(d *draft) *int { return &d.API.ConnectRate }).byDefault("400; 200 in a small region"),
		number("connectConcurrency", "how many environments of Lambda are reserved for `authorizer`, and how many for `connect`", 1, 100_000,
			func(d *draft) *int { return &d.ConnectConcurrency }),
		choice("accessLogs", "`on` uses the role with which API Gateway logs in this account and region, and creates it if there is none; `account` never creates it", LogsOn,
			func(d *draft) *AccessLogs { return &d.API.AccessLogs }, LogsOn, LogsAccount, LogsOff),
		onAWS.only(setting{Setting: Setting{Key: "twoWay", Allowed: "true or false", Default: "false",
			Meaning: "whether acks, pongs and plain errors are the [responses of the routes](deploy.md#two-way-routes), in place of posts; not verified yet"},
			set: func(d *draft, value string) bool {
				d.API.TwoWay = value == "true"
				return value == "true" || value == "false"
			}}),
		onAWS.only(name("domain", "a custom domain name", "a domain name", `[a-z0-9-]+(\.[a-z0-9-]+)+`, func(d *draft) *string { return &d.API.Domain })),
		onAWS.only(name("certificate", "the domain's certificate, in the stack's region", "the ARN of a certificate of ACM",
			`arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/\S+`, func(d *draft) *string { return &d.API.Certificate })),

		name("eventBus", "the EventBridge bus that gets [the application's events](back-end.md#events)", "the name or the ARN of a bus",
			`(arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[A-Za-z0-9._/-]{1,256}`, func(d *draft) *string { return &d.EventBus }),
		{Setting: Setting{Key: "logDays", Allowed: "a number of days that CloudWatch knows: " + join(logDays()), Default: strconv.Itoa(Default().LogDays),
			Meaning: "how long logs are kept"},
			set: func(d *draft, value string) bool {
				var err error
				d.LogDays, err = strconv.Atoi(value)
				return err == nil && slices.Contains(logDays(), d.LogDays)
			}},
		onAWS.only(choice("lambdaLogs", "from which level on Lambda itself logs; with `info` it writes three lines about each invocation", LevelWarn,
			func(d *draft) *Level { return &d.LambdaLogs }, LevelWarn, LevelInfo)),
		{Setting: Setting{Key: "tags", Allowed: "NAME=VALUE,NAME=VALUE", Meaning: "tags for all resources"},
			set: func(d *draft, value string) bool {
				d.Tags = map[string]string{}
				for _, tag := range strings.Split(value, ",") {
					name, value, _ := strings.Cut(tag, "=")
					d.Tags[name] = value
				}
				return matches(tag+"(,"+tag+")*", value)
			}},
		onAWS.only(name("alarmTopic", "the SNS topic that alarms notify", "the ARN of an SNS topic", `arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:\S+`,
			func(d *draft) *string { return &d.AlarmTopic })),

		choice("target", "an emulator on this machine, or AWS", AWS, func(d *draft) *Target { return &d.Target }, AWS, Local),
		onEmulator.only(name("emulator", "the emulator's address for functions and clients", "a URL, http://host:port or https://host:port", `https?://[A-Za-z0-9.-]+(:\d+)?`,
			func(d *draft) *string { return &d.Emulator }).byDefault(Default().Emulator)),
		choice("arch", "the machine for which the functions are built; give `make` ARCH=… and it is set", ARM64, func(d *draft) *Arch { return &d.Arch }, ARM64, AMD64),
		name("stack", "the stack's name", "1 to 64 letters, digits and \"-\", a letter first", `[A-Za-z][A-Za-z0-9-]{0,63}`, func(d *draft) *string { return &d.Stack }).
			byDefault(Default().Stack),
	}
}

// A group has settings that require the same other setting.
type group struct {
	with string
	is   func(Config) bool
}

func (g group) only(s setting) setting {
	s.With, s.only = g.with, g.is
	return s
}

// name is a setting whose text matches a regular expression.
func name(key, meaning, allowed, form string, of func(*draft) *string) setting {
	return setting{Setting: Setting{Key: key, Allowed: allowed, Meaning: meaning}, set: func(d *draft, value string) bool {
		*of(d) = value
		return matches(form, value)
	}}
}

func claim(key, meaning, byDefault string, of func(*draft) *string) setting {
	return name(key, meaning, "a claim's name", `[^\s"']{1,128}`, of).byDefault(byDefault)
}

// tag matches a tag of AWS; "aws:" is AWS's own.
const tag = `[A-Za-z0-9_.:/+@ -]{1,128}=[A-Za-z0-9_.:/+@ -]{0,256}`

func (s setting) fixed(why string) setting {
	s.Fixed = why
	return s
}

func (s setting) byDefault(value string) setting {
	s.Default = value
	return s
}

// choice is a setting with a few words to choose from.
func choice[T ~string](key, meaning string, byDefault T, of func(*draft) *T, words ...T) setting {
	return setting{Setting: Setting{Key: key, Allowed: either(words), Default: string(byDefault), Meaning: meaning}, set: func(d *draft, value string) bool {
		*of(d) = T(value)
		return slices.Contains(words, T(value))
	}}
}

func number(key, meaning string, low, high int, of func(*draft) *int) setting {
	byDefault := ""
	if n := *of(&draft{Config: Default()}); n != 0 {
		byDefault = strconv.Itoa(n)
	}
	allowed := "a whole number from " + strconv.Itoa(low) + " to " + strconv.Itoa(high)
	return setting{Setting: Setting{Key: key, Allowed: allowed, Default: byDefault, Meaning: meaning}, set: func(d *draft, value string) bool {
		n, err := strconv.Atoi(value)
		*of(d) = n
		return err == nil && low <= n && n <= high
	}}
}

// hex matches the end of an id of EC2.
const hex = `([0-9a-f]{8}|[0-9a-f]{17})`

func matches(form, value string) bool {
	return regexp.MustCompile(`^(?:` + form + `)$`).MatchString(value)
}

// endpoint returns the URL of host:port, with TLS unless it begins with redis://. For
// anything else it returns "".
func endpoint(value string) string {
	scheme, address, found := strings.Cut(value, "://")
	if !found {
		scheme, address = "rediss", value
	}
	host, port, err := net.SplitHostPort(address)
	n, notNumber := strconv.ParseUint(port, 10, 16)
	if err != nil || notNumber != nil || n == 0 || scheme != "redis" && scheme != "rediss" || !matches(`[A-Za-z0-9.:-]+`, host) {
		return ""
	}
	return scheme + "://" + address
}

// logDays returns the numbers of days for which CloudWatch can keep logs.
func logDays() []int {
	return []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

func join(numbers []int) string {
	var all []string
	for _, n := range numbers {
		all = append(all, strconv.Itoa(n))
	}
	return strings.Join(all, ", ")
}

func either[T ~string](words []T) string {
	var all []string
	for _, word := range words {
		all = append(all, string(word))
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}
