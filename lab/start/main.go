// Command start measures how long a function takes from exec to its first answer, and how
// its first message compares with a warm one. Beside Waggle's location function it starts
// a function that does nothing, and one that loads the same two clients and makes one PING
// and one POST. All get their events from Lambda's Runtime API.
//
//	go -C lab run ./start
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

func main() {
	starts := flag.Int("starts", 30, "starts of each function")
	cache := flag.String("cache", "", "`URL` of an empty cache (default: it starts a server)")
	also := flag.String("also", "", "another `build` of the location function to measure beside this one")
	flag.Parse()
	err := scope.In(func(s *scope.Scope) error { return run(s, *starts, *cache, *also, os.Stdout) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
}

// warmMessages follow the first message of a start.
const warmMessages = 5

// A subject is one function that is measured.
type subject struct {
	name, program string
	event         func() []byte
	posts         int // by each message

	first   []time.Duration // from exec to the answer of an event that was there at once
	ready   []time.Duration // from exec to the request for an event
	cpu     []time.Duration // processor time until that answer
	started []time.Duration // of the first message, some time after the start
	warm    []time.Duration
}

func run(s *scope.Scope, starts int, cache, also string, out io.Writer) error {
	if starts < 1 {
		return errors.New("-starts must be at least 1")
	}
	if cache == "" {
		cache = caches.Server(s).URL
	}
	var posts atomic.Int64
	management := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts.Add(1)
		}
	}))
	s.Cleanup(management.Close)
	variables := []string{"WAGGLE_CACHE_URL=" + cache, "WAGGLE_MANAGEMENT_ENDPOINT=" + management.URL,
		`WAGGLE_POOLS={"pools":{"default":{"reportsBurst":1000000,"messagesBurst":1000000}}}`}

	dir, err := build(s.TempDir())
	if err != nil {
		return err
	}
	none := func() []byte { return []byte("{}") }
	ana := member{connected: time.Now().UnixMilli()}
	subjects := []*subject{
		{name: "a function that does nothing", program: filepath.Join(dir, "nothing"), event: none},
		{name: "one PING and one POST", program: filepath.Join(dir, "ping"), event: none, posts: 1},
		{name: "location", program: filepath.Join(dir, "location"), event: ana.report, posts: 1},
	}
	if also != "" {
		subjects = append(subjects, &subject{name: also, program: also, event: ana.report, posts: 1})
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(starts)*10*time.Second)
	defer cancel()
	if err := ana.connect(ctx, subjects[2].program, variables); err != nil {
		return err
	}
	for range starts {
		for _, turn := range rand.Perm(len(subjects)) { // at random: whoever follows the largest would start slowest
			f := subjects[turn]
			before := posts.Load()
			if err := f.measure(ctx, variables); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			if got, want := posts.Load()-before, int64(f.posts*(2+warmMessages)); got != want {
				return fmt.Errorf("%s: got %d posts, want %d", f.name, got, want)
			}
		}
	}
	print(out, subjects)
	return nil
}

// build builds the functions for this machine, as make build does for Lambda's.
func build(dir string) (string, error) {
	checkout, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "waggle").Output()
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for name, source := range map[string]string{"nothing": "waggle/lab/start/nothing", "ping": "waggle/lab/start/ping", "location": "./functions/location"} {
		command := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc netgo osusergo", "-ldflags=-s -w", "-o", filepath.Join(dir, name), source)
		if name == "location" {
			command.Dir = strings.TrimSpace(string(checkout)) // it belongs to another module
		}
		if output, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s: %w\n%s", source, err, output)
		}
	}
	return dir, nil
}

// connect begins the session of the member.
func (m member) connect(ctx context.Context, program string, variables []string) error {
	p, err := launch(program, variables)
	if err != nil {
		return err
	}
	defer p.stop()
	if _, err := p.await(ctx); err != nil {
		return err
	}
	_, err = p.send(ctx, m.event("$connect", "CONNECT", ""))
	return err
}

// measure starts the function twice: with an event that is there at once, and with events
// that come some time after the start.
func (f *subject) measure(ctx context.Context, variables []string) error {
	p, err := launch(f.program, variables)
	if err != nil {
		return err
	}
	ready, err := p.await(ctx)
	if err != nil {
		p.stop()
		return err
	}
	answered, err := p.send(ctx, f.event())
	f.cpu = append(f.cpu, p.stop())
	if err != nil {
		return err
	}
	f.ready, f.first = append(f.ready, ready.Sub(p.started)), append(f.first, answered.Sub(p.started))

	if p, err = launch(f.program, variables); err != nil {
		return err
	}
	defer p.stop()
	for n := range 1 + warmMessages {
		if _, err := p.await(ctx); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
		sent := time.Now()
		answered, err := p.send(ctx, f.event())
		if err != nil {
			return err
		}
		if n == 0 {
			f.started = append(f.started, answered.Sub(sent))
		} else {
			f.warm = append(f.warm, answered.Sub(sent))
		}
	}
	return nil
}

// A member reports its location.
type member struct{ connected int64 } // epoch ms

// report is an event with a location.
func (m member) report() []byte {
	return m.event("location", "MESSAGE", fmt.Sprintf(`{\"action\":\"location\",\"id\":\"l\",\"lat\":37.77,\"lng\":-122.41,\"at\":%d}`, time.Now().UnixMilli()))
}

// event is an event of the member. The body is the inside of a JSON string.
func (m member) event(route, kind, body string) []byte {
	now := time.Now().UnixMilli()
	return fmt.Appendf(nil, `{"requestContext":{"routeKey":%q,"eventType":%q,"connectionId":"c=","requestId":"r","connectedAt":%d,"requestTimeEpoch":%d,`+
		`"domainName":"localhost","stage":"prod","authorizer":{"principalId":"ana","member":"ana","pool":"default","roles":"[\"matcher\",\"matchee\"]","expires":"%d"}},`+
		`"body":"%s","isBase64Encoded":false}`, route, kind, m.connected, now, now+3_600_000, body)
}

// print prints a table, as docs/performance.md has it.
func print(out io.Writer, subjects []*subject) {
	fmt.Fprintf(out, "medians of %d starts, ms; the ratio is against one PING and one POST\n\n", len(subjects[0].first))
	fmt.Fprintln(out, "| function | exec to ready | exec to first answer | ratio | CPU until then | ratio | first message once started | a warm one | ratio |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|")
	base, cpu := median(subjects[1].first), median(subjects[1].cpu)
	for _, f := range subjects {
		fmt.Fprintf(out, "| %s | %.1f | %.1f | %.2f | %.1f | %.2f | %.2f | %.2f | %.2f |\n", strings.TrimSuffix(f.name, "/bootstrap"), median(f.ready), median(f.first),
			median(f.first)/base, median(f.cpu), median(f.cpu)/cpu, median(f.started), median(f.warm), median(f.started)/median(f.warm))
	}
}

// median returns a median in milliseconds.
func median(times []time.Duration) float64 {
	sorted := slices.Sorted(slices.Values(times))
	return float64(sorted[len(sorted)/2]) / float64(time.Millisecond)
}
