package app_test

import (
	"strings"
	"testing"

	"waggle/internal/app"
	"waggle/internal/topology"
)

func TestOddVariablesOfTheFunctionsAreNamed(t *testing.T) {
	for name, test := range map[string]struct{ variable, value, want string }{
		"a namespace in quotes":             {topology.MetricsNamespace, "'Waggle'", "WAGGLE_METRICS: it begins or ends with"},
		"a namespace with a blank":          {topology.MetricsNamespace, "My Waggle", "WAGGLE_METRICS: it must be a namespace of CloudWatch"},
		"no cache":                          {topology.CacheURL, "", "WAGGLE_CACHE_URL is not set"},
		"quotes":                            {topology.CacheURL, `"redis://127.0.0.1"`, "WAGGLE_CACHE_URL: it begins or ends with a blank, a line end, a quote"},
		"a line end":                        {topology.CacheUser, "waggle\n", "WAGGLE_CACHE_USER: it begins or ends"},
		"a password with a line end":        {topology.CachePassword, "sesame\n", "WAGGLE_CACHE_PASSWORD: it ends with a line end"},
		"a database":                        {topology.CacheURL, "redis://127.0.0.1?db=1", "a database or parameters cannot be chosen"},
		"two passwords":                     {topology.CacheURL, "redis://:sesame@127.0.0.1", "the URL has a user or a password"},
		"pools of blanks":                   {topology.PoolFile, " ", "WAGGLE_POOLS: pool file: it is empty"},
		"pools in quotes":                   {topology.PoolFile, "'{}'", "WAGGLE_POOLS: pool file: not JSON"},
		"an endpoint without scheme":        {topology.ManagementEndpoint, "api.example/prod", "WAGGLE_MANAGEMENT_ENDPOINT: it must be a URL such as https://host/stage"},
		"a bus without a URL":               {topology.EventBus, "matches", "WAGGLE_EVENT_BUS: it must be the URL of EventBridge and the name or ARN of a bus"},
		"routes that are sometimes two-way": {topology.TwoWay, "yes", "WAGGLE_TWO_WAY: it must be true or false"},
		"an endpoint for a WebSocket":       {topology.ManagementEndpoint, "wss://api.example/prod", "WAGGLE_MANAGEMENT_ENDPOINT: it must be a URL"},
	} {
		env := map[string]string{topology.CacheURL: "redis://127.0.0.1", topology.CacheUser: "waggle", topology.CachePassword: "secret",
			topology.ManagementEndpoint: "https://api.example/prod"}
		env[test.variable] = test.value
		_, err := app.FromEnv(func(name string) (string, bool) { value, ok := env[name]; return value, ok }, app.Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}
