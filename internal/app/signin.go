package app

import (
	"context"
	"errors"
	"strings"

	"waggle/internal/store/signin"
	"waggle/internal/topology"
)

// cacheToken returns the source of passwords for signing in to the cache by IAM, or
// nil if that is not asked for. A combination of variables that cannot work is an error.
func cacheToken(get func(string) string) (func(context.Context) (string, error), error) {
	text := get(topology.CacheIAM)
	if text == "" {
		return nil, nil
	}
	cache, err := signin.Parse(text)
	switch user := get(topology.CacheUser); {
	case err != nil:
		return nil, err
	case user == "" || user == "default":
		return nil, errors.New("it needs the cache user's name in " + topology.CacheUser + ", which must be its id too, and not default")
	case get(topology.CachePassword) != "":
		return nil, errors.New("it stands in place of " + topology.CachePassword + ": set one of them")
	case !strings.HasPrefix(get(topology.CacheURL), "rediss://"):
		return nil, errors.New("it needs TLS: " + topology.CacheURL + " must be rediss://host:port")
	}
	signer, err := signin.New(cache, get(topology.CacheUser), region(get), role(get))
	if err != nil {
		return nil, err
	}
	return signer.Token, nil
}
