package incident

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"waggle/clients/go/waggle"
	"waggle/cmd/waggle/endpoint"
	"waggle/cmd/waggle/stack"
	"waggle/lab/load"
	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

// Run starts a server and a local stack of the checkout in the working directory, and plays the
// incident there. It writes the tables, the picture and the stack's log into a folder, and returns the
// tables.
func (p Plan) Run(ctx context.Context, l load.Config, out string, progress func(what string, done float64)) (text string, err error) {
	err = scope.In(func(s *scope.Scope) error {
		text, err = p.in(ctx, s, l, out, progress)
		return err
	})
	return text, err
}

func (p Plan) in(ctx context.Context, s *scope.Scope, l load.Config, out string, progress func(string, float64)) (string, error) {
	log, err := os.Create(filepath.Join(out, "stack.log"))
	if err != nil {
		return "", err
	}
	defer log.Close()
	cache := caches.Process(s)
	local, err := stack.Build(ctx, log, "-cache", cache.URL, "-faults", p.Faults())
	if err != nil {
		return "", fmt.Errorf("%w; see %s", err, log.Name())
	}
	s.Cleanup(local.Stop)
	started := time.Now()
	at, err := endpoint.ParseSeveral(local.URL, "")
	if err != nil {
		return "", err
	}
	metrics := at.Sibling("/metrics")
	l.Name = strings.ToLower(rand.Text()[:6])
	l.Options = func(member string) waggle.Options { return at.Options(endpoint.Member{ID: member}) }
	l.Usage = func(ctx context.Context) load.Usage {
		u, _ := load.ReadUsage(ctx, metrics, nil) // a stack that is overloaded has no usage
		return u
	}
	record, err := p.Play(ctx, Place{Started: started, Metrics: metrics, Freeze: cache.Freeze, Thaw: cache.Thaw, Load: l, Progress: progress})
	local.Stop()
	if err != nil {
		return "", at.Explain(err)
	}
	written, err := os.Open(log.Name())
	if err != nil {
		return "", err
	}
	defer written.Close()
	lines, err := ReadLog(written, started)
	if err != nil {
		return "", err
	}
	text := record.Markdown(lines)
	return text, errors.Join(record.Picture().Save(filepath.Join(out, "incident.png")),
		os.WriteFile(filepath.Join(out, "incident.md"), []byte(text), 0o644))
}
