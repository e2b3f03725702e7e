package waggle

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticache"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
	"waggle/internal/topology"
)

// The caches run Valkey. Version 9.0 is the first with durability.
const (
	engine       = "valkey"
	majorVersion = "9"
	fullVersion  = "9.0"
	family       = "valkey9"
	port         = 6379
)

// A cache is how the functions reach the data.
type cache struct {
	// env has the environment variables about the cache.
	env map[string]*string
	// connect has the ARNs of the cache and its user, to sign in with IAM.
	connect []*string
	// name is the name of a new cache in its metrics.
	name string
}

func newCache(scope constructs.Construct, c config.Config, n *network) *cache {
	if c.Cache.Kind == config.Existing {
		return existing(scope, c.Cache, n)
	}
	user, users := newUser(scope)
	p := newSpot(scope, c.Cache.Kind, n)
	if n != nil {
		p.security = newCacheSecurity(scope, c.Cache.Kind, n)
	}
	if c.Cache.Kind == config.Cluster {
		return p.cluster(scope, c.Cache, user, users)
	}
	return p.serverless(scope, c.Cache, user, users)
}

// A spot is where a new cache is. Kind and network are part of its name and of its logical
// id, so that CloudFormation can make the cache of another kind or in another network
// before it removes this one. Under the same name it would get stuck.
type spot struct {
	id, name string
	network  *network // nil: the cache has a public endpoint
	security awsec2.SecurityGroup
}

func newSpot(scope constructs.Construct, kind config.Kind, n *network) spot {
	id := title(string(kind)) + "Cache"
	suffix := string(kind)
	if n != nil && n.where != "" {
		id, suffix = id+key(n.where), suffix+"-"+key(n.where)
	}
	return spot{id: id, name: unique(scope, suffix), network: n}
}

func newCacheSecurity(scope constructs.Construct, kind config.Kind, n *network) awsec2.SecurityGroup {
	group := awsec2.NewSecurityGroup(scope, jsii.String("CacheSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              n.vpc,
		Description:      jsii.String("Waggle cache"),
		AllowAllOutbound: jsii.Bool(false),
	})
	tcp := awsec2.Port_Tcp(jsii.Number(port))
	if kind == config.Serverless {
		// Its nodes for reading are on the next port. A client may try them, and must
		// not run into a timeout.
		tcp = awsec2.Port_TcpRange(jsii.Number(port), jsii.Number(port+1))
	}
	letIn(n, group, tcp)
	return group
}

// letIn lets the functions, and nothing else, connect to a cache.
func letIn(n *network, group awsec2.ISecurityGroup, tcp awsec2.Port) {
	n.functions.AddEgressRule(group, tcp, jsii.String("the cache"), nil)
	group.AddIngressRule(n.functions, tcp, jsii.String("the functions"), nil)
}

// newUser creates the only user of the cache. It signs in with IAM and may run the
// commands of the scripts.
func newUser(scope constructs.Construct) (awselasticache.CfnUser, awselasticache.CfnUserGroup) {
	name := unique(scope, "User")
	user := awselasticache.NewCfnUser(scope, jsii.String("CacheUser"), &awselasticache.CfnUserProps{
		Engine: jsii.String(engine),
		// IAM requires both to be the same.
		UserId:             &name,
		UserName:           &name,
		AccessString:       jsii.String(topology.CacheAccess),
		AuthenticationMode: map[string]string{"Type": "iam"},
	})
	users := awselasticache.NewCfnUserGroup(scope, jsii.String("CacheUsers"), &awselasticache.CfnUserGroupProps{
		Engine:      jsii.String(engine),
		UserGroupId: jsii.String(unique(scope, "Users")),
		UserIds:     &[]*string{user.Ref()},
	})
	return user, users
}

func (p spot) serverless(scope constructs.Construct, c config.Cache, user awselasticache.CfnUser, users awselasticache.CfnUserGroup) *cache {
	limits := &awselasticache.CfnServerlessCache_CacheUsageLimitsProperty{
		DataStorage: &awselasticache.CfnServerlessCache_DataStorageProperty{Unit: jsii.String("GB"), Maximum: jsii.Number(c.MaxGB)},
	}
	if c.MinGB > 0 {
		limits.DataStorage.(*awselasticache.CfnServerlessCache_DataStorageProperty).Minimum = jsii.Number(c.MinGB)
	}
	if c.MaxECPU > 0 || c.MinECPU > 0 {
		limits.EcpuPerSecond = &awselasticache.CfnServerlessCache_ECPUPerSecondProperty{Maximum: given(c.MaxECPU), Minimum: given(c.MinECPU)}
	}
	props := &awselasticache.CfnServerlessCacheProps{
		Engine:              jsii.String(engine),
		MajorEngineVersion:  jsii.String(majorVersion),
		ServerlessCacheName: &p.name,
		Description:         jsii.String("Waggle: members, requests, matches"),
		CacheUsageLimits:    limits,
		UserGroupId:         users.Ref(),
	}
	if p.network == nil {
		// Anybody may open a TLS connection to it. Only who signs in with IAM gets further.
		props.ConnectionType = jsii.String("public")
	} else {
		props.SecurityGroupIds = &[]any{p.security.SecurityGroupId()}
		props.SubnetIds = p.network.subnetIDs()
	}
	made := awselasticache.NewCfnServerlessCache(scope, &p.id, props)
	return withIAM(scope, made.AttrEndpointAddress(), made.AttrEndpointPort(), "serverless", p.name, user.Ref())
}

func (p spot) cluster(scope constructs.Construct, c config.Cache, user awselasticache.CfnUser, users awselasticache.CfnUserGroup) *cache {
	parameters := awselasticache.NewCfnParameterGroup(scope, jsii.String("CacheParameters"), &awselasticache.CfnParameterGroupProps{
		CacheParameterGroupFamily: jsii.String(family),
		Description:               jsii.String("Waggle: cluster mode, and never evict"),
		Properties:                map[string]string{"cluster-enabled": "yes", "maxmemory-policy": "noeviction"},
	})
	subnets := awselasticache.NewCfnSubnetGroup(scope, jsii.String(p.id+"Subnets"), &awselasticache.CfnSubnetGroupProps{
		Description: jsii.String("Waggle cache"),
		SubnetIds:   p.network.subnetIDs(),
	})
	made := awselasticache.NewCfnReplicationGroup(scope, &p.id, &awselasticache.CfnReplicationGroupProps{
		ReplicationGroupId:          &p.name,
		ReplicationGroupDescription: jsii.String("Waggle: members, requests, matches"),
		Engine:                      jsii.String(engine),
		EngineVersion:               jsii.String(fullVersion),
		CacheNodeType:               &c.NodeType,
		CacheParameterGroupName:     parameters.Ref(),
		CacheSubnetGroupName:        subnets.Ref(),
		ClusterMode:                 jsii.String("enabled"),
		NumNodeGroups:               jsii.Number(c.Shards),
		ReplicasPerNodeGroup:        jsii.Number(c.Replicas),
		MultiAzEnabled:              true,
		AutomaticFailoverEnabled:    true,
		Durability:                  jsii.String(string(c.Durability)),
		AtRestEncryptionEnabled:     true,
		TransitEncryptionEnabled:    true,
		TransitEncryptionMode:       jsii.String("required"),
		Port:                        jsii.Number(port),
		SecurityGroupIds:            jsii.Strings(*p.security.SecurityGroupId()),
		UserGroupIds:                jsii.Strings(*users.Ref()),
	})
	// Without this policy, CloudFormation would replace the cluster when its number of
	// shards changes.
	made.CfnOptions().SetUpdatePolicy(&awscdk.CfnUpdatePolicy{UseOnlineResharding: jsii.Bool(true)})
	suppress(made,
		suppression{"AwsSolutions-AEC5", "another port would not protect the cache: its security group lets in the functions alone"},
		suppression{"AwsSolutions-AEC6", "AUTH means one password for all; here a user signs in with IAM and may run the commands of the scripts"})
	return withIAM(scope, made.AttrConfigurationEndPointAddress(), made.AttrConfigurationEndPointPort(), "cluster", p.name, user.Ref())
}

// given returns a number, or nil for 0.
func given(n int) *float64 {
	if n == 0 {
		return nil
	}
	return jsii.Number(n)
}

// withIAM describes a new cache, to which the functions sign in with IAM.
func withIAM(scope constructs.Construct, address, port *string, kind, name string, user *string) *cache {
	return &cache{
		env: map[string]*string{
			topology.CacheURL:  awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("rediss://"), address, jsii.String(":"), port}),
			topology.CacheUser: user,
			topology.CacheIAM:  jsii.String(kind + "/" + name),
		},
		connect: connectARNs(scope, kind, name, user),
		name:    name,
	}
}

// existing describes a cache that the deployer has already.
func existing(scope constructs.Construct, c config.Cache, n *network) *cache {
	made := &cache{env: map[string]*string{topology.CacheURL: &c.Endpoint}}
	if c.User != "" {
		made.env[topology.CacheUser] = &c.User
	}
	if c.Secret != "" {
		made.env[topology.CachePassword] = awscdk.SecretValue_SecretsManager(&c.Secret, nil).UnsafeUnwrap()
	}
	if c.IAM != "" {
		made.env[topology.CacheIAM] = &c.IAM
		kind, name, _ := strings.Cut(c.IAM, "/")
		made.connect = connectARNs(scope, kind, name, &c.User)
	}
	if n == nil {
		return made
	}
	tcp := awsec2.Port_Tcp(jsii.Number(endpointPort(c.Endpoint)))
	if c.SecurityGroup == "" {
		n.functions.AddEgressRule(awsec2.Peer_AnyIpv4(), tcp, jsii.String("the cache"), nil)
		return made
	}
	letIn(n, awsec2.SecurityGroup_FromSecurityGroupId(scope, jsii.String("CacheSecurityGroup"), &c.SecurityGroup, nil), tcp)
	return made
}

// endpointPort returns the port of a URL that config has checked.
func endpointPort(endpoint string) float64 {
	u, err := url.Parse(endpoint)
	if err != nil {
		panic(err)
	}
	n, err := strconv.ParseFloat(u.Port(), 64)
	if err != nil {
		panic(err)
	}
	return n
}

// connectARNs returns the ARNs of a cache and its user.
func connectARNs(scope constructs.Construct, kind, name string, user *string) []*string {
	resource := map[string]string{"serverless": "serverlesscache", "cluster": "replicationgroup"}[kind]
	arn := func(resource, name string) *string {
		return awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{Service: jsii.String("elasticache"), Resource: &resource,
			ResourceName: &name, ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
	}
	return []*string{arn(resource, name), arn("user", *user)}
}

func (n *network) subnetIDs() *[]any {
	var all []any
	for _, id := range *n.vpc.SelectSubnets(n.subnets).SubnetIds {
		all = append(all, id)
	}
	return &all
}

// unique returns a name that no other stack has, in the form that ElastiCache requires.
func unique(scope constructs.Construct, suffix string) string {
	name := awscdk.Names_UniqueResourceName(scope, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(40 - len(suffix) - 1)})
	return strings.ToLower(fmt.Sprint(*name, "-", suffix))
}
