package pool_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/pool"
)

func TestAFileWithoutSettingsHasTheDefaults(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("{}"), []byte(`{"pools":{}}`), []byte(`{"pools":{"default":{}}}`), []byte("{\r\n}\r\n")} {
		pools, err := pool.Parse(data)
		if err != nil {
			t.Errorf("%q: %v", data, err)
			continue
		}
		if diff := cmp.Diff(pool.Default(), pools.For("anything")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", data, diff)
		}
	}
}

func TestPoolsInheritFromTheDefaultPoolOfTheFile(t *testing.T) {
	// "city" is first, so that inheriting does not depend on the order.
	pools := parse(t, `{"pools": {
		"city": {"grace": 1, "consent": "required", "remoteRequests": false},
		"default": {"locationTTL": 3, "matchesPerHour": 1800}}}`)

	base := pool.Default()
	base.LocationTTL, base.MatchesPerHour = 3*time.Second, 1800
	city := base
	city.Grace, city.Consent, city.RemoteRequests = time.Second, pool.Required, false
	for name, want := range map[string]pool.Settings{"default": base, "unnamed": base, "city": city} {
		if diff := cmp.Diff(want, pools.For(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseRefusesWithTheRange(t *testing.T) {
	one := func(settings string) string { return `{"pools":{"city":{` + settings + `}}}` }
	tests := []struct{ data, want string }{
		{"", "it is empty: {} gives"},
		{" \n", "it is empty: {} gives"},
		{"\xef\xbb\xbf{}", "it begins with a byte order mark: save it as UTF-8 without one"},
		{"\xff\xfe{\x00}\x00", "it begins with a byte order mark"},
		{`[]`, "must be a JSON object"},
		{`{"pools":`, "not JSON"},
		{`{"pools":{"city":{}}`, "not JSON"},
		{`{"pools":{}} {}`, "something follows the JSON object"},
		{`{"pool":{}}`, `unknown key "pool": the only one at the top is "pools"`},
		{`{"pools":[]}`, `"pools": must be a JSON object`},
		{`{"pools":null}`, `"pools": must be a JSON object`},
		{`{"pools":{"City":{}}}`, `pool "City": a name is 1 to 32 of a-z, 0-9 and "-"`},
		{`{"pools":{"city":{},"city":{}}}`, `key "city" is there twice`},
		{`{"pools":{"default":{"grace":0}}}`, `pool "default": "grace" must be a number of seconds from 0.1 to 7200, not 0`},
		{`{"pools":{"city":7}}`, `pool "city": must be a JSON object`},
		{one(`"Grace":5`), `pool "city": unknown key "Grace": allowed are consent, confirm, availability, remoteRequests, locationTTL, `},
		{one(`"grace":5,"grace":6`), `pool "city": key "grace" is there twice`},
		{one(`"locationTTL":0.05`), `"locationTTL" must be a number of seconds from 0.1 to 7200, not 0.05`},
		{one(`"locationTTL":7201`), "from 0.1 to 7200, not 7201"},
		{one(`"locationTTL":"60"`), `from 0.1 to 7200, not "60"`},
		{one(`"locationTTL":null`), "from 0.1 to 7200, not null"},
		{one(`"locationTTL":1e999`), "from 0.1 to 7200, not 1e999"},
		{one(`"maxRadius":99`), `"maxRadius" must be a number of metres from 100 to 20000, not 99`},
		{one(`"maxRadius":20001`), "not 20001"},
		{one(`"reportsPerSecond":0`), `"reportsPerSecond" must be a number of reports a second from 0.01 to 1000000, not 0`},
		{one(`"requestsPerMinute":-1`), `"requestsPerMinute" must be`},
		{one(`"matchesPerHour":1e7`), `"matchesPerHour" must be`},
		{one(`"reportsBurst":0.5`), `"reportsBurst" must be a number of reports from 1 to 1000000, not 0.5`},
		{one(`"maxAccuracy":-1`), `"maxAccuracy" must be a number of metres from 0 to 100000, not -1`},
		{one(`"maxSpeed":null`), `"maxSpeed" must be a number of metres a second from 0 to 1000000000, not null`},
		{one(`"consent":"yes"`), `"consent" must be "implied" or "required", not "yes"`},
		{one(`"consent":null`), `not null`},
		{one(`"remoteRequests":1`), `"remoteRequests" must be true or false, not 1`},
		{one(`"remoteRequests":null`), `"remoteRequests" must be true or false, not null`},
	}
	for _, test := range tests {
		_, err := pool.Parse([]byte(test.data))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s:\n got %v\nwant an error with %s", test.data, err, test.want)
		}
	}
}

func TestJSONReadsBackTheSame(t *testing.T) {
	file := `{"pools": {"default": {"locationTTL": 8.571428571, "matchesPerHour": 123456.5}, "a-1": {"consent": "required"}, "z": {"reportsBurst": 1000000}}}`
	want := parse(t, file)
	got := parse(t, string(want.JSON()))
	for _, name := range []string{"default", "a-1", "z", "unnamed"} {
		if diff := cmp.Diff(want.For(name), got.For(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}

	var zero pool.Pools
	if diff := cmp.Diff(pool.Default(), parse(t, string(zero.JSON())).For("default")); diff != "" {
		t.Errorf("zero Pools (-want +got):\n%s", diff)
	}
}

func TestFasterDividesTimesAndMultipliesRates(t *testing.T) {
	real := parse(t, `{"pools": {"default": {"locationTTL": 180}, "city": {"maxRadius": 500}}}`)
	fast, err := real.Faster(60)
	if err != nil {
		t.Fatal(err)
	}
	want := pool.Default()
	want.LocationTTL, want.Grace, want.MaxRadius = 3*time.Second, time.Second, 500
	want.ReportsPerSecond, want.MessagesPerSecond, want.RequestsPerMinute, want.MatchesPerHour = 300, 1200, 600, 1800
	want.NearbyPerMinute = 360
	want.HarvestPerHour, want.CoolDown, want.Confirm = 1200, 5*time.Second, 500*time.Millisecond
	want.MaxSpeed = 6000
	if diff := cmp.Diff(want, fast.For("city")); diff != "" {
		t.Errorf("city (-want +got):\n%s", diff)
	}
	if got := real.For("city").LocationTTL; got != 180*time.Second {
		t.Errorf("Faster changed its receiver: TTL %v", got)
	}
	for _, speed := range []float64{0, -1, 1000} { // at 1000 a minute is below a tenth of a second
		if _, err := real.Faster(speed); err == nil {
			t.Errorf("speed %g: got no error", speed)
		}
	}
}

func TestNamesOfPools(t *testing.T) {
	for _, name := range []string{"default", "a", "-", "city-2", strings.Repeat("x", 32)} {
		if !pool.ValidName(name) {
			t.Errorf("%q: got invalid", name)
		}
	}
	for _, name := range []string{"", "A", "a_b", "a/b", "é", "a b", strings.Repeat("x", 33)} {
		if pool.ValidName(name) {
			t.Errorf("%q: got valid", name)
		}
	}
}

func parse(t *testing.T, data string) pool.Pools {
	t.Helper()
	pools, err := pool.Parse([]byte(data))
	if err != nil {
		t.Fatalf("parse %s: %v", data, err)
	}
	return pools
}
