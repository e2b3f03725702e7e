package waggle_test

import (
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
	serverlessCache := func(subnets []any) map[string]any {
		return map[string]any{"Engine": "valkey", "MajorEngineVersion": "9", "ServerlessCacheName": "waggled5bb1d40-cache",
			"Description": "Waggle: members, requests, matches", "CacheUsageLimits": map[string]any{"DataStorage": map[string]any{"Unit": "GB", "Maximum": 10.0}},
			"SecurityGroupIds": group, "SubnetIds": subnets, "UserGroupId": "${WaggleCacheUsers}"}
	}
	for name, want := range map[string]map[string]map[string]any{
		serverless: {"WaggleCacheUser": user, "WaggleCacheUsers": users, "WaggleCache": serverlessCache(private)},
		ipv6:       {"WaggleCacheUser": user, "WaggleCacheUsers": users, "WaggleCache": serverlessCache(private)},
		subnets:    {"WaggleCacheUser": user, "WaggleCacheUsers": users, "WaggleCache": serverlessCache([]any{"subnet-01234567", "subnet-89abcdef"})},
		lookup:     {"WaggleCacheUser": user, "WaggleCacheUsers": users, "WaggleCache": serverlessCache([]any{"subnet-01234567", "subnet-89abcdef"})},
		cluster: {"WaggleCacheUser": user, "WaggleCacheUsers": users,
			"WaggleCacheSubnets": {"Description": "Waggle cache", "SubnetIds": private},
			"WaggleCacheParameters": {"CacheParameterGroupFamily": "valkey9", "Description": "Waggle: cluster mode, and never evict",
				"Properties": map[string]any{"cluster-enabled": "yes", "maxmemory-policy": "noeviction"}},
			"WaggleCache": {"ReplicationGroupId": "waggled5bb1d40-cache", "ReplicationGroupDescription": "Waggle: members, requests, matches",
				"Engine": "valkey", "EngineVersion": "9.0", "CacheNodeType": "cache.m7g.large", "Port": 6379.0,
				"CacheParameterGroupName": "${WaggleCacheParameters}", "CacheSubnetGroupName": "${WaggleCacheSubnets}",
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
			if len(r.Type) > 18 && r.Type[:18] == "AWS::ElastiCache::" {
				got[id] = r.Properties
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
