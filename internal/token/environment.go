package token

import (
	"fmt"

	"waggle/internal/topology"
)

// ConfigFromEnv reads the configuration from the environment that
// internal/topology lists; lookup is os.LookupEnv. An error names the required
// variable that is missing.
func ConfigFromEnv(lookup func(string) (string, bool)) (Config, error) {
	var config Config
	for name, value := range map[string]*string{
		topology.AudienceClaim: &config.AudienceClaim,
		topology.PoolClaim:     &config.PoolClaim,
		topology.RolesClaim:    &config.RolesClaim,
		topology.TagsClaim:     &config.TagsClaim,
		topology.CardClaim:     &config.CardClaim,
	} {
		*value, _ = lookup(name)
	}
	if config.Issuer, _ = lookup(topology.Issuer); config.Issuer == "" {
		return Config{}, fmt.Errorf("%s is not set: it names the OIDC issuer", topology.Issuer)
	}
	if config.Audience, _ = lookup(topology.Audience); config.Audience == "" {
		return Config{}, fmt.Errorf("%s is not set: it names the audience of the tokens", topology.Audience)
	}
	return config, nil
}
