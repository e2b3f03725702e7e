package app_test

import (
	"strings"
	"testing"

	"waggle/internal/app"
	"waggle/internal/topology"
)

func TestWhatCannotSignInByIAMIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ variable, value, want string }{
		"neither kind":       {topology.CacheIAM, "waggle", "serverless/NAME or cluster/NAME"},
		"no name":            {topology.CacheIAM, "serverless/", "serverless/NAME or cluster/NAME"},
		"no user":            {topology.CacheUser, "", topology.CacheUser},
		"the default user":   {topology.CacheUser, "default", topology.CacheUser},
		"a password as well": {topology.CachePassword, "sesame", topology.CachePassword},
		"no TLS":             {topology.CacheURL, "redis://localhost", "rediss://host:port"},
	} {
		env := map[string]string{topology.CacheURL: "rediss://localhost", topology.CacheUser: "waggle", topology.CacheIAM: "serverless/waggle"}
		lookup := func(k string) (string, bool) { v, ok := env[k]; return v, ok }
		a, err := app.FromEnv(t.Context(), lookup, app.Options{})
		if err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		a.Close()
		env[test.variable] = test.value
		_, err = app.FromEnv(t.Context(), lookup, app.Options{})
		if err == nil || !strings.HasPrefix(err.Error(), topology.CacheIAM+":") || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: got %v, want an error of %s that says %s", name, err, topology.CacheIAM, test.want)
		}
	}
}
