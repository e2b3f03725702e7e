package token

import (
	"fmt"

	"waggle/internal/topology"
)

// ConfigFromEnv reads the configuration from the environment that
// internal/topology lists; lookup is os.LookupEnv. An error names the
// variable that is missing or wrong.
func ConfigFromEnv(lookup func(string) (string, bool)) (Config, error) {
	var config Config
	all := map[string]*string{
		topology.Issuer:        &config.Issuer,
		topology.Audience:      &config.Audience,
		topology.AudienceClaim: &config.AudienceClaim,
		topology.PoolClaim:     &config.PoolClaim,
		topology.RolesClaim:    &config.RolesClaim,
		topology.TagsClaim:     &config.TagsClaim,
		topology.CardClaim:     &config.CardClaim,
	}
	for name, value := range all {
		*value, _ = lookup(name)
		if err := topology.CheckEnds(name, *value); err != nil {
			return Config{}, err
		}
	}
	claims := claimNamesOf(config)
	of := map[string]string{}
	for name, claim := range map[string]string{topology.PoolClaim: claims.pool, topology.RolesClaim: claims.roles,
		topology.TagsClaim: claims.tags, topology.CardClaim: claims.card} {
		if other := of[claim]; other != "" {
			return Config{}, fmt.Errorf("%s and %s name the same claim, %q: give each a claim of its own", min(name, other), max(name, other), claim)
		}
		of[claim] = name
	}
	if config.Issuer == "" {
		return Config{}, fmt.Errorf("%s is not set: it names the OIDC issuer", topology.Issuer)
	}
	if config.Audience == "" {
		return Config{}, fmt.Errorf("%s is not set: it names the audience of the tokens", topology.Audience)
	}
	return config, nil
}
