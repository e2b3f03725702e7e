package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Check returns an error if a required setting is missing, or if settings contradict
// each other.
func (c Config) Check() error {
	for _, check := range []func() error{c.checkIdentity, c.checkPools, c.checkCache, c.checkNetwork, c.checkAPI} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c Config) checkIdentity() error {
	switch {
	case c.Identity.Issuer == "":
		return errors.New("-c issuer=… is missing: it names the OIDC issuer whose tokens are accepted, such as https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE")
	case c.Target == AWS && !strings.HasPrefix(c.Identity.Issuer, "https://"):
		return fmt.Errorf("-c issuer=%s: it must be a URL, https://…; http:// goes with target=local only", c.Identity.Issuer)
	case c.Identity.Audience == "":
		return errors.New("-c audience=… is missing: it names the audience that tokens must have, such as the client id of a Cognito app client")
	}
	of := map[string]string{}
	for _, claim := range [][2]string{{"pool", c.Identity.PoolClaim}, {"roles", c.Identity.RolesClaim}, {"tags", c.Identity.TagsClaim}, {"card", c.Identity.CardClaim}} {
		name := cmp.Or(claim[1], claim[0])
		if other := of[name]; other != "" {
			return fmt.Errorf("-c claim.%s and -c claim.%s name the same claim, %q: give each a claim of its own", other, claim[0], name)
		}
		of[name] = claim[0]
	}
	return nil
}

var errNoConsent = errors.New("-c consent=… is missing: it says how members of the default pool consent to be found. With implied every member who reports a location " +
	"can be found, with required only a member who has sent available: true. A pool file, -c pools=FILE, can set it too")

func (c Config) checkPools() error {
	if c.Pools == nil {
		return errNoConsent
	}
	if size := len(c.PoolFile()); size > maxPools {
		return fmt.Errorf("-c pools: the settings of all pools take %d bytes, and the environment of a function has room for %d: "+
			"leave out the pools that have the default pool's settings", size, maxPools)
	}
	return nil
}

func (c Config) checkCache() error {
	switch cache := c.Cache; cache.Kind {
	case Existing:
		switch {
		case c.Target == AWS && strings.HasPrefix(cache.Endpoint, "redis://"):
			return fmt.Errorf("-c cacheEndpoint=%s: it must be host:port of a cache with TLS; redis:// goes with target=local only", cache.Endpoint)
		case cache.IAM != "" && (cache.User == "" || cache.User == "default"):
			return errors.New("-c cacheIAM needs -c cacheUser=…, the user that signs in with IAM, and not default")
		case cache.IAM != "" && cache.Secret != "":
			return errors.New("-c cacheIAM and -c cacheSecret: a user has a password or signs in with IAM, not both")
		case c.Target == AWS && c.Network.VPC == "" && !strings.HasPrefix(cache.IAM, "serverless/"):
			return errors.New("-c cacheEndpoint needs -c vpcId=…, the VPC from which the cache is reached. A serverless cache with a public endpoint needs none, " +
				"but -c cacheIAM=serverless/NAME and -c cacheUser=…, since all its users sign in with IAM")
		}
	case Public, Serverless:
		switch {
		case cache.MinGB > cache.MaxGB:
			return fmt.Errorf("-c cacheMinGB=%d is above -c cacheMaxGB=%d", cache.MinGB, cache.MaxGB)
		case cache.MaxECPU > 0 && cache.MinECPU > cache.MaxECPU:
			return fmt.Errorf("-c cacheMinECPU=%d is above -c cacheMaxECPU=%d", cache.MinECPU, cache.MaxECPU)
		}
	case Cluster:
		if nodes := cache.Shards * (1 + cache.Replicas); nodes > 90 {
			return fmt.Errorf("-c cacheShards=%d, -c cacheReplicas=%d: that is %d nodes, and ElastiCache allows 90", cache.Shards, cache.Replicas, nodes)
		}
		family, _, _ := strings.Cut(strings.TrimPrefix(cache.NodeType, "cache."), ".")
		if durable := durableFamilies(); cache.Durability != Disabled && !slices.Contains(durable, family) {
			return fmt.Errorf("-c cacheDurability=%s needs a node type of %s, not %s: choose one with -c cacheNodeType=…, or -c cacheDurability=disabled",
				cache.Durability, either(durable), cache.NodeType)
		}
	}
	if c.Target == Local && c.Cache.Kind != Existing {
		return errors.New("-c target=local needs -c cacheEndpoint=redis://host:port, a server that the functions reach: emulators have no serverless cache")
	}
	return nil
}

// durableFamilies returns the families of nodes on which ElastiCache offers durability.
func durableFamilies() []string {
	return []string{"m6g", "m7g", "m8g", "r6g", "r7g", "r8g", "c7gn", "c8gn"}
}

func (c Config) checkNetwork() error {
	if c.Cache.Kind == Public && c.Network.VPC != "" {
		return errors.New("a VPC goes with a cache in it: choose -c cache=serverless or -c cache=cluster, or name an existing cache with -c cacheEndpoint=…")
	}
	if len(c.Network.Subnets) == 1 {
		return errors.New("-c subnetIds: it must be two subnets or more, in different zones")
	}
	for i, id := range c.Network.Subnets {
		if slices.Contains(c.Network.Subnets[:i], id) {
			return fmt.Errorf("-c subnetIds: %s is there more than once: it must be two subnets or more, in different zones", id)
		}
	}
	return nil
}

func (c Config) checkAPI() error {
	if (c.API.Domain == "") != (c.API.Certificate == "") {
		return errors.New("-c domain and -c certificate go together")
	}
	return nil
}
