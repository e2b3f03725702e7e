package store_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/store"
	"waggle/test/kit/caches"
)

// TestARecordIsSmall measures what a member takes in the cache besides its entry in the index:
// with an id of 36 bytes, two tags and no card, an hour after it connected.
func TestARecordIsSmall(t *testing.T) {
	const members = 5_000
	for _, on := range []struct {
		server caches.Cache
		most   float64 // bytes
	}{{caches.Valkey(t), 290}, {caches.Redis(t), 340}} {
		t.Run(on.server.Name, func(t *testing.T) {
			s, err := store.Open(store.Options{URL: on.server.URL})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			direct, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(on.server.URL, "redis://")}, DisableCache: true})
			if err != nil {
				t.Fatal(err)
			}
			defer direct.Close()
			aRecord(t, s, 0) // the scripts are loaded
			before := used(t, direct)
			for n := range members {
				aRecord(t, s, n+1)
			}
			if got := (used(t, direct) - before) / members; got > on.most {
				t.Errorf("a member takes %.0f bytes, want at most %.0f", got, on.most)
			} else {
				t.Logf("note: memory: a member's record takes %.0f bytes", got)
			}
		})
	}
}

// aRecord connects a member that then reports twice.
func aRecord(t *testing.T, s *store.Store, n int) {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(n), 0))
	x := match.Session{Member: match.Member{Pool: "default", ID: fmt.Sprintf("%08x-7b04-4ef2-9096-%012x", random.Uint32(), n)},
		Connection: fmt.Sprintf("R1kmxc%08xI=", n), ConnectedAt: time.Now().Add(-time.Hour), Matcher: true, Matchee: true}
	if _, err := s.Connect(t.Context(), x, false); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r := match.Report{Arrival: time.Now(), Choice: match.Choice{Tags: &[]string{"van", "wheelchair"}}, Position: match.Position{At: time.Now().UnixMilli(),
			Seq: 1000 + random.Int64N(1000), Point: geo.Point{Lat: float64(525_200_000+random.IntN(1000)) / 1e7, Lng: float64(134_000_000+random.IntN(1000)) / 1e7}}}
		reported, err := s.Report(t.Context(), x, r)
		if err == nil && reported.Mark != "" {
			err = s.Told(t.Context(), []match.Told{{Member: x.Member, Connection: x.Connection, Marks: []string{reported.Mark}}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// used is what the server says that it uses, in bytes.
func used(t *testing.T, direct valkey.Client) float64 {
	t.Helper()
	info, err := direct.Do(t.Context(), direct.B().Info().Section("memory").Build()).ToString()
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(info, "used_memory:")
	text, _, _ = strings.Cut(text, "\r\n")
	bytes, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
