package app

import (
	"errors"
	"strings"

	"waggle/internal/iam"
	"waggle/internal/topology"
)

// checkIAM refuses what cannot sign in by IAM. A cache of that name alone would
// be asked with no password, and answer that it wants one.
func checkIAM(get func(string) string) error {
	text := get(topology.CacheIAM)
	if text == "" {
		return nil
	}
	_, err := iam.Parse(text)
	switch user := get(topology.CacheUser); {
	case err != nil:
		return err
	case user == "" || user == "default":
		return errors.New("it needs the cache user's name in " + topology.CacheUser + ", which must be its id too, and not default")
	case get(topology.CachePassword) != "":
		return errors.New("it stands in place of " + topology.CachePassword + ": set one of them")
	case !strings.HasPrefix(get(topology.CacheURL), "rediss://"):
		return errors.New("it needs TLS: " + topology.CacheURL + " must be rediss://host:port")
	}
	return nil
}
