package config_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/infra/config"
	"waggle/internal/pool"
)

// said returns the required settings, and more of the form key=value.
func said(more ...string) map[string]any {
	all := map[string]any{"issuer": "https://issuer.example", "audience": "waggle", "consent": "required",
		// What the CDK's command line adds by itself.
		"aws:cdk:enable-path-metadata": true, "@aws-cdk/core:newStyleStackSynthesis": true}
	for _, pair := range more {
		key, value, _ := strings.Cut(pair, "=")
		if all[key] = value; value == "" {
			delete(all, key)
		}
	}
	return all
}

// files reads the pool files of these tests.
func files(name string) ([]byte, error) {
	text, ok := map[string]string{
		"says-nothing.json": `{"pools":{"city":{"consent":"required"}}}`,
		"empty.json":        "",
		"mark.json":         "\xef\xbb\xbf{}",
		"implied.json":      `{"pools":{"default":{"consent":"implied","remoteRequests":true}}}`,
		"wrong.json":        `{"pools":{"default":{"consent":"perhaps"}}}`,
		"many.json":         manyPools(),
	}[name]
	if !ok {
		return nil, fmt.Errorf("open %s: %w", name, os.ErrNotExist)
	}
	return []byte(text), nil
}

func manyPools() string {
	var pools []string
	for i := range 20 {
		pools = append(pools, fmt.Sprintf(`"city-%d":{"grace":%d}`, i, i+30))
	}
	return `{"pools":{"default":{"consent":"implied"},` + strings.Join(pools, ",") + `}}`
}

const (
	inVPC       = "cache=serverless"
	existingVPC = "vpcId=vpc-0123456789abcdef0"
)

func TestAnErrorNamesTheWrongSetting(t *testing.T) {
	certificate := "certificate=arn:aws:acm:eu-west-1:123456789012:certificate/x"
	for name, test := range map[string]struct {
		say  []string
		want string // a part of the error
	}{
		"an unknown key":                   {[]string{"cahce=cluster"}, "-c cahce: there is no such setting; the settings are issuer, audience, "},
		"no issuer":                        {[]string{"issuer"}, "-c issuer=… is missing"},
		"an issuer that is no URL":         {[]string{"issuer=cognito"}, "-c issuer=cognito: it must be a URL"},
		"an issuer without TLS":            {[]string{"issuer=http://issuer.example"}, "http:// goes with target=local only"},
		"no audience":                      {[]string{"audience"}, "-c audience=… is missing"},
		"a claim with a space":             {[]string{"claim.pool=a b"}, "-c claim.pool=a b: it must be a claim's name"},
		"no consent":                       {[]string{"consent"}, "-c consent=… is missing"},
		"another consent":                  {[]string{"consent=yes"}, "-c consent=yes: it must be implied or required"},
		"a pool file that says no consent": {[]string{"consent", "pools=says-nothing.json"}, "-c consent=… is missing"},
		"a pool file that says another":    {[]string{"pools=implied.json"}, `-c consent=required: the file implied.json says "implied"`},
		"a wrong pool file":                {[]string{"pools=wrong.json"}, `-c pools=wrong.json: pool file: pool "default": "consent" must be "implied" or "required"`},
		"no such pool file":                {[]string{"pools=none.json"}, "-c pools=none.json: open none.json"},
		"too many pools":                   {[]string{"consent", "pools=many.json"}, "the environment of a function has room for 3000"},
		"neither true nor false":           {[]string{"remoteRequests=1"}, "-c remoteRequests=1: it must be true or false"},
		"another cache":                    {[]string{"cache=redis"}, "-c cache=redis: it must be public, serverless or cluster"},
		"a cache of nothing":               {[]string{"cacheMaxGB=0"}, "-c cacheMaxGB=0: it must be a whole number from 1 to 5000"},
		"a limit that is no number":        {[]string{"cacheMaxECPU=many"}, "-c cacheMaxECPU=many: it must be a whole number from 1000 to 15000000"},
		"shards of a serverless cache":     {[]string{"cacheShards=3"}, "-c cacheShards goes with cache=cluster only"},
		"a maximum of a cluster":           {[]string{"cache=cluster", "cacheMaxGB=3"}, "-c cacheMaxGB goes with cache=public or cache=serverless only"},
		"no replica":                       {[]string{"cache=cluster", "cacheReplicas=0"}, "-c cacheReplicas=0: it must be a whole number from 1 to 5"},
		"too many nodes":                   {[]string{"cache=cluster", "cacheShards=50"}, "that is 100 nodes, and ElastiCache allows 90"},
		"no node type":                     {[]string{"cache=cluster", "cacheNodeType=large"}, "it must be an ElastiCache node type such as cache.m7g.large"},
		"a node type that is not durable":  {[]string{"cache=cluster", "cacheNodeType=cache.t4g.small"}, "-c cacheDurability=sync needs a node type of m6g, m7g"},
		"another durability":               {[]string{"cache=cluster", "cacheDurability=on"}, "it must be sync, async or disabled"},
		"an endpoint without a port":       {[]string{"cacheEndpoint=cache.example", existingVPC}, "-c cacheEndpoint=cache.example: it must be host:port"},
		"an endpoint with a password":      {[]string{"cacheEndpoint=rediss://a:b@cache.example:6379", existingVPC}, "-c cacheEndpoint=…: it must be host:port"},
		"an endpoint without TLS":          {[]string{"cacheEndpoint=redis://cache.example:6379", existingVPC}, "redis:// goes with target=local only"},
		"an endpoint outside any VPC":      {[]string{"cacheEndpoint=cache.example:6379"}, "-c cacheEndpoint needs -c vpcId=…"},
		"a new cache and an existing one":  {[]string{"cache=cluster", "cacheEndpoint=cache.example:6379", existingVPC}, "-c cache goes with a new cache only"},
		"a user of our own cache":          {[]string{"cacheUser=ana"}, "-c cacheUser goes with cacheEndpoint only"},
		"IAM without a user":               {[]string{"cacheEndpoint=cache.example:6379", existingVPC, "cacheIAM=serverless/a"}, "-c cacheIAM needs -c cacheUser=…"},
		"IAM of a cache in capitals":       {[]string{"cacheEndpoint=cache.example:6379", existingVPC, "cacheIAM=cluster/A"}, "it must be serverless/NAME or cluster/NAME, in lower case"},
		"IAM and a password":               {[]string{"cacheEndpoint=cache.example:6379", existingVPC, "cacheIAM=cluster/a", "cacheUser=a", "cacheSecret=s"}, "not both"},
		"another way out":                  {[]string{"egress=vpn"}, "-c egress=vpn: it must be nat or ipv6"},
		"gateways without NAT":             {[]string{inVPC, "egress=ipv6", "natGateways=1"}, "-c natGateways goes with egress=nat in a new VPC only"},
		"gateways of a VPC that is there":  {[]string{inVPC, existingVPC, "natGateways=1"}, "-c natGateways goes with egress=nat in a new VPC only"},
		"a way out of no VPC":              {[]string{"egress=nat"}, "-c egress goes with cache=serverless, cache=cluster, or vpcId with cacheEndpoint only"},
		"a VPC of a public cache":          {[]string{existingVPC}, "-c vpcId goes with cache=serverless, cache=cluster or cacheEndpoint only"},
		"a public cache with a password":   {[]string{"cacheEndpoint=cache.example:6379", "cacheUser=a", "cacheSecret=s"}, "needs -c vpcId=…"},
		"a public cluster":                 {[]string{"cacheEndpoint=cache.example:6379", "cacheUser=a", "cacheIAM=cluster/a"}, "needs -c vpcId=…"},
		"a security group of no VPC": {[]string{"cacheEndpoint=cache.example:6379", "cacheUser=a", "cacheIAM=serverless/a", "cacheSecurityGroup=sg-01234567"},
			"-c cacheSecurityGroup goes with cacheEndpoint and vpcId only"},
		"one zone":                           {[]string{inVPC, "zones=eu-west-1a"}, "-c zones=eu-west-1a: it must be two zones of the region"},
		"a zone twice":                       {[]string{inVPC, "zones=eu-west-1a,eu-west-1a"}, "it must be two zones of the region"},
		"zones of a VPC that is there":       {[]string{inVPC, existingVPC, "zones=eu-west-1a,eu-west-1b"}, "-c zones goes with a new VPC only"},
		"more memory ready than allowed":     {[]string{"cacheMinGB=11"}, "-c cacheMinGB=11 is above -c cacheMaxGB=10"},
		"more units ready than allowed":      {[]string{"cacheMinECPU=2000", "cacheMaxECPU=1000"}, "-c cacheMinECPU=2000 is above -c cacheMaxECPU=1000"},
		"a tag without a value":              {[]string{"tags=team"}, "-c tags=team: it must be NAME=VALUE,NAME=VALUE"},
		"routes that are partly two-way":     {[]string{"twoWay=some"}, "-c twoWay=some: it must be true or false"},
		"two-way routes on an emulator":      {[]string{"target=local", "cacheEndpoint=redis://localhost:6379", "twoWay=true"}, "-c twoWay goes with target=aws only"},
		"another level":                      {[]string{"lambdaLogs=debug"}, "-c lambdaLogs=debug: it must be warn or info"},
		"no VPC's id":                        {[]string{"vpcId=mine"}, "-c vpcId=mine: it must be a VPC's id, vpc-…"},
		"one subnet":                         {[]string{inVPC, existingVPC, "subnetIds=subnet-01234567"}, "it must be ids of two subnets or more"},
		"a subnet twice":                     {[]string{inVPC, existingVPC, "subnetIds=subnet-01234567,subnet-89abcdef,subnet-01234567"}, "-c subnetIds: subnet-01234567 is there more than once"},
		"an empty pool file":                 {[]string{"pools=empty.json"}, "-c pools=empty.json: pool file: it is empty"},
		"a pool file with a mark":            {[]string{"pools=mark.json"}, "-c pools=mark.json: pool file: it begins with a byte order mark"},
		"an audience in quotes":              {[]string{`audience="waggle"`}, `it must be an audience as the tokens name it`},
		"an issuer with a quote":             {[]string{`issuer=https://issuer.example"`}, "it must be a URL, https://…"},
		"an issuer with a blank":             {[]string{"issuer= https://issuer.example"}, "it must be a URL, https://…"},
		"one claim for two":                  {[]string{"claim.pool=custom:x", "claim.tags=custom:x"}, `-c claim.pool and -c claim.tags name the same claim, "custom:x"`},
		"another claim's default":            {[]string{"claim.pool=roles"}, `-c claim.pool and -c claim.roles name the same claim, "roles"`},
		"IAM of the default user":            {[]string{"cacheEndpoint=cache.example:6379", existingVPC, "cacheIAM=cluster/a", "cacheUser=default"}, "-c cacheIAM needs -c cacheUser=…, the user that signs in with IAM, and not default"},
		"subnets of no VPC":                  {[]string{"subnetIds=subnet-01234567,subnet-89abcdef"}, "-c subnetIds goes with vpcId only"},
		"no throttle":                        {[]string{"throttleRate=0"}, "-c throttleRate=0: it must be a whole number from 1 to"},
		"other logs":                         {[]string{"accessLogs=yes"}, "it must be on, account or off"},
		"a domain alone":                     {[]string{"domain=a.example"}, "-c domain and -c certificate go together"},
		"a certificate alone":                {[]string{certificate}, "-c domain and -c certificate go together"},
		"a certificate that is none":         {[]string{"domain=a.example", "certificate=mine"}, "it must be the ARN of a certificate of ACM"},
		"days that CloudWatch does not know": {[]string{"logDays=2"}, "-c logDays=2: it must be a number of days that CloudWatch knows: 1, 3, 5"},
		"a bus with a blank":                 {[]string{"eventBus=my bus"}, "-c eventBus=my bus: it must be the name or the ARN of a bus"},
		"a topic that is none":               {[]string{"alarmTopic=me@example.org"}, "it must be the ARN of an SNS topic"},
		"another target":                     {[]string{"target=azure"}, "-c target=azure: it must be aws or local"},
		"an emulator without a cache":        {[]string{"target=local"}, "-c target=local needs -c cacheEndpoint=redis://host:port"},
		"an emulator on AWS":                 {[]string{"emulator=http://127.0.0.1:4577"}, "-c emulator goes with target=local only"},
		"an emulator's path":                 {[]string{"target=local", "emulator=http://127.0.0.1:4577/aws"}, "-c emulator=http://127.0.0.1:4577/aws: it must be a URL, http://host:port or https://host:port"},
		"a VPC on an emulator":               {[]string{"target=local", "cacheEndpoint=redis://localhost:6379", existingVPC}, "-c vpcId goes with cache=serverless, cache=cluster or cacheEndpoint only"},
		"another machine":                    {[]string{"arch=mips"}, "-c arch=mips: it must be arm64 or amd64"},
		"a stack's name with a space":        {[]string{"stack=my stack"}, "-c stack=my stack: it must be 1 to 64 letters"},
	} {
		_, err := config.Parse(said(test.say...), files)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, test.want)
		}
	}
}

func TestParseSetsTheFields(t *testing.T) {
	base := func(change func(*config.Config)) config.Config {
		c := config.Default()
		c.Identity = config.Identity{Issuer: "https://issuer.example", Audience: "waggle"}
		change(&c)
		return c
	}
	for name, test := range map[string]struct {
		say  []string
		want config.Config
	}{
		"the required settings": {nil, base(func(*config.Config) {})},
		"identity": {[]string{"audienceClaim=client_id", "claim.pool=custom:pool", "claim.roles=r", "claim.tags=t", "claim.card=https://example.org/card"},
			base(func(c *config.Config) {
				c.Identity.AudienceClaim, c.Identity.PoolClaim, c.Identity.RolesClaim = "client_id", "custom:pool", "r"
				c.Identity.TagsClaim, c.Identity.CardClaim = "t", "https://example.org/card"
			})},
		"a serverless cache": {[]string{"cache=serverless", "cacheMaxGB=20", "cacheMaxECPU=5000"},
			base(func(c *config.Config) { c.Cache.Kind, c.Cache.MaxGB, c.Cache.MaxECPU = config.Serverless, 20, 5000 })},
		"a public cache that is ready for an event": {[]string{"cacheMinGB=2", "cacheMinECPU=90000", "connectConcurrency=50", "connectRate=450"},
			base(func(c *config.Config) {
				c.Cache.MinGB, c.Cache.MinECPU, c.ConnectConcurrency, c.API.ConnectRate = 2, 90000, 50, 450
			})},
		"an existing public cache": {[]string{"cacheEndpoint=cache.example:6379", "cacheIAM=serverless/a", "cacheUser=u"},
			base(func(c *config.Config) {
				c.Cache.Kind, c.Cache.Endpoint, c.Cache.IAM, c.Cache.User = config.Existing, "rediss://cache.example:6379", "serverless/a", "u"
			})},
		"a cluster": {[]string{"cache=cluster", "cacheNodeType=cache.t4g.small", "cacheShards=3", "cacheReplicas=2", "cacheDurability=disabled"},
			base(func(c *config.Config) {
				c.Cache.Kind, c.Cache.NodeType, c.Cache.Shards, c.Cache.Replicas, c.Cache.Durability = config.Cluster, "cache.t4g.small", 3, 2, config.Disabled
			})},
		"an existing cache": {[]string{"cacheEndpoint=cache.example:6380", existingVPC, "subnetIds=subnet-01234567,subnet-89abcdef", "cacheIAM=cluster/a", "cacheUser=u",
			"cacheSecurityGroup=sg-01234567"},
			base(func(c *config.Config) {
				c.Cache.Kind, c.Cache.Endpoint, c.Cache.IAM, c.Cache.User, c.Cache.SecurityGroup = config.Existing, "rediss://cache.example:6380", "cluster/a", "u", "sg-01234567"
				c.Network.VPC, c.Network.Subnets = "vpc-0123456789abcdef0", []string{"subnet-01234567", "subnet-89abcdef"}
			})},
		"the rest": {[]string{inVPC, "egress=ipv6", "zones=eu-west-1a,eu-west-1c", "tags=team=a b,stage=", "lambdaLogs=info", "throttleRate=10", "throttleBurst=20", "accessLogs=account", "twoWay=true", "domain=a.example",
			"certificate=arn:aws:acm:eu-west-1:123456789012:certificate/x", "logDays=7", "eventBus=default", "alarmTopic=arn:aws:sns:eu-west-1:123456789012:x", "arch=amd64", "stack=two"},
			base(func(c *config.Config) {
				c.Cache.Kind, c.Network.Egress, c.Network.Zones = config.Serverless, config.IPv6, []string{"eu-west-1a", "eu-west-1c"}
				c.Tags, c.LambdaLogs = map[string]string{"team": "a b", "stage": ""}, config.LevelInfo
				c.API = config.API{Rate: 10, Burst: 20, AccessLogs: config.LogsAccount, TwoWay: true, Domain: "a.example", Certificate: "arn:aws:acm:eu-west-1:123456789012:certificate/x"}
				c.LogDays, c.EventBus, c.AlarmTopic, c.Arch, c.Stack = 7, "default", "arn:aws:sns:eu-west-1:123456789012:x", config.AMD64, "two"
			})},
		"an emulator": {[]string{"target=local", "issuer=http://localhost:8080", "cacheEndpoint=redis://localhost:6379", "emulator=http://localhost.localstack.cloud:4566"},
			base(func(c *config.Config) {
				c.Target, c.Identity.Issuer, c.Cache.Kind, c.Cache.Endpoint = config.Local, "http://localhost:8080", config.Existing, "redis://localhost:6379"
				c.Emulator = "http://localhost.localstack.cloud:4566"
			})},
	} {
		got, err := config.Parse(said(test.say...), files)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got.Pools = nil
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A cdk.json has numbers and booleans; a command line has text.
func TestNumbersAndBooleansAreAllowed(t *testing.T) {
	context := said()
	context["cache"], context["natGateways"], context["remoteRequests"] = "serverless", 1.0, true
	c, err := config.Parse(context, files)
	if err != nil || c.Network.NATGateways != 1 || !c.Pools.For("any").RemoteRequests {
		t.Errorf("got %+v, %v", c, err)
	}
	context["natGateways"] = []any{1.0}
	if _, err := config.Parse(context, files); err == nil || !strings.Contains(err.Error(), "-c natGateways=[1]: it must be") {
		t.Errorf("got %v", err)
	}
}

// The defaults of production are more careful than those of the file.
func TestThePoolFileIsReadOverTheDefaultsOfProduction(t *testing.T) {
	for name, test := range map[string]struct {
		say     []string
		pool    string
		consent pool.Consent
		remote  bool
	}{
		"chosen on the command line": {nil, "default", pool.Required, false},
		"remote requests too":        {[]string{"remoteRequests=true"}, "default", pool.Required, true},
		"the file says both":         {[]string{"consent", "pools=implied.json"}, "default", pool.Implied, true},
		"both say the same":          {[]string{"consent=implied", "pools=implied.json"}, "default", pool.Implied, true},
		"another pool's own":         {[]string{"consent=implied", "pools=says-nothing.json"}, "city", pool.Required, false},
		"a pool that is not named":   {[]string{"consent=implied", "pools=says-nothing.json"}, "else", pool.Implied, false},
	} {
		c, err := config.Parse(said(test.say...), files)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// The functions get the same.
		given, err := pool.Parse([]byte(c.PoolFile()))
		for _, pools := range []pool.Pools{*c.Pools, given} {
			if got := pools.For(test.pool); err != nil || got.Consent != test.consent || got.RemoteRequests != test.remote {
				t.Errorf("%s: got %+v, %v, want consent %s, remote requests %v", name, got, err, test.consent, test.remote)
			}
		}
	}
}

// An app that sets the fields itself gets the same errors.
func TestCheckWorksWithoutParse(t *testing.T) {
	c := config.Default()
	c.Identity = config.Identity{Issuer: "https://issuer.example", Audience: "waggle"}
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), "-c consent=… is missing") {
		t.Errorf("got %v, want an error that asks for a consent policy", err)
	}
	if _, err := config.ParsePools(nil); err == nil || !strings.Contains(err.Error(), "-c consent=… is missing") {
		t.Errorf("got %v, want an error that asks for a consent policy", err)
	}
	pools, err := config.ParsePools([]byte(`{"pools":{"default":{"consent":"implied"}}}`))
	c.Pools, c.Network.VPC = pools, "vpc-01234567"
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), "a VPC goes with a cache in it: choose -c cache=serverless") {
		t.Errorf("a VPC with a public cache: got %v, want an error", err)
	}
	c.Network.VPC = ""
	if c.Pools = pools; errors.Join(err, c.Check()) != nil || pools.For("any").RemoteRequests {
		t.Errorf("got %v, %v and %+v, want no error and no remote requests", err, c.Check(), pools)
	}
}
