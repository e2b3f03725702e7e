package waggle_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/topology"
)

func TestEachKindOfCacheHasTheseResources(t *testing.T) {
	group := []any{"${WaggleCacheSecurityGroup.GroupId}"}
	private := []any{"${WaggleVpcPrivateSubnet1Subnet}", "${WaggleVpcPrivateSubnet2Subnet}"}
	user := map[string]any{"Engine": "valkey", "UserId": "waggled5bb1d40-user", "UserName": "waggled5bb1d40-user",
		"AccessString": topology.CacheAccess, "AuthenticationMode": map[string]any{"Type": "iam"}}
	users := map[string]any{"Engine": "valkey", "UserGroupId": "waggled5bb1d40-users", "UserIds": []any{"${WaggleCacheUser}"}}
	serverlessCache := func(name string, more map[string]any) map[string]any {
		all := map[string]any{"Engine": "valkey", "MajorEngineVersion": "9", "ServerlessCacheName": "waggled5bb1d40-" + name,
			"Description": "Waggle: members, requests, matches", "CacheUsageLimits": map[string]any{"DataStorage": map[string]any{"Unit": "GB", "Maximum": 10.0}},
			"UserGroupId": "${WaggleCacheUsers}"}
		maps.Copy(all, more)
		return all
	}
	in := func(subnets []any) map[string]any {
		return map[string]any{"SecurityGroupIds": group, "SubnetIds": subnets}
	}
	theirs := map[string]map[string]any{"WaggleCacheUser": user, "WaggleCacheUsers": users,
		"WaggleServerlessCacheb3901150": serverlessCache("serverless-b3901150", in([]any{"subnet-01234567", "subnet-89abcdef"}))}
	ready := in([]any{"${WaggleVpc835082f9PrivateSubnet1Subnet}", "${WaggleVpc835082f9PrivateSubnet2Subnet}"})
	ready["CacheUsageLimits"] = map[string]any{"DataStorage": map[string]any{"Unit": "GB", "Minimum": 2.0, "Maximum": 10.0},
		"ECPUPerSecond": map[string]any{"Minimum": 5000.0, "Maximum": 90000.0}}
	for name, want := range map[string]map[string]map[string]any{
		// The one with a public endpoint has neither subnets nor a security group.
		public:     {"WaggleCacheUser": user, "WaggleCacheUsers": users, "WagglePublicCache": serverlessCache("public", map[string]any{"ConnectionType": "public"})},
		serverless: {"WaggleCacheUser": user, "WaggleCacheUsers": users, "WaggleServerlessCache": serverlessCache("serverless", in(private))},
		ipv6:       {"WaggleCacheUser": user, "WaggleCacheUsers": users, "WaggleServerlessCache": serverlessCache("serverless", in(private))},
		zones:      {"WaggleCacheUser": user, "WaggleCacheUsers": users, "WaggleServerlessCache835082f9": serverlessCache("serverless-835082f9", ready)},
		subnets:    theirs,
		lookup:     theirs,
		outside:    {},
		cluster: {"WaggleCacheUser": user, "WaggleCacheUsers": users,
			"WaggleClusterCacheSubnets": {"Description": "Waggle cache", "SubnetIds": private},
			"WaggleCacheParameters": {"CacheParameterGroupFamily": "valkey9", "Description": "Waggle: cluster mode, and never evict",
				"Properties": map[string]any{"cluster-enabled": "yes", "maxmemory-policy": "noeviction"}},
			"WaggleClusterCache": {"ReplicationGroupId": "waggled5bb1d40-cluster", "ReplicationGroupDescription": "Waggle: members, requests, matches",
				"Engine": "valkey", "EngineVersion": "9.0", "CacheNodeType": "cache.m7g.large", "Port": 6379.0,
				"CacheParameterGroupName": "${WaggleCacheParameters}", "CacheSubnetGroupName": "${WaggleClusterCacheSubnets}",
				"ClusterMode": "enabled", "NumNodeGroups": 2.0, "ReplicasPerNodeGroup": 1.0, "MultiAZEnabled": true, "AutomaticFailoverEnabled": true,
				"Durability": "sync", "AtRestEncryptionEnabled": true, "TransitEncryptionEnabled": true, "TransitEncryptionMode": "required",
				"SecurityGroupIds": group, "UserGroupIds": []any{"${WaggleCacheUsers}"}},
		},
		existing:   {},
		everything: {},
		local:      {},
	} {
		got := map[string]map[string]any{}
		for id, r := range stack(t, name).resources {
			if strings.HasPrefix(r.Type, "AWS::ElastiCache::") {
				got[id] = r.Properties
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
