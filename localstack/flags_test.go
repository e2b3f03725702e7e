package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"waggle/clients/go/waggle"
	"waggle/localstack/faults"
	"waggle/test/kit/caches"
)

func TestHelpExplainsEachFlag(t *testing.T) {
	for _, flag := range []string{"-h", "-help", "--help"} {
		var out, log bytes.Buffer
		if err := run(t.Context(), []string{flag}, &out, &log); err != nil {
			t.Errorf("%s: %v", flag, err)
		}
		for _, want := range []string{"on one machine", "go run ./localstack", "/token?member=ana", "-addr host:port", "-cache URL",
			"-pools file", "-events file", "-members number", "-mingle", "-decline share", "-silent share", "-seed number", "-insecure-tokens", "-allow-host names", "-log level", "-runtime how", "-functions directory", "-next folder", "-concurrency number", "-two-way", "-faults list", faults.Help()} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s does not say %q:\n%s", flag, want, &out)
			}
		}
		if log.Len() > 0 {
			t.Errorf("%s logs %s", flag, &log)
		}
	}
}

func TestWhatCannotStartSaysWhatToType(t *testing.T) {
	// A port below those that systems give out, so no other test comes to listen there.
	const nobody = "127.0.0.1:1"

	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, test := range map[string]struct{ args, want []string }{
		"no port":                    {[]string{"-addr", "127.0.0.1"}, []string{"-addr", "missing port"}},
		"cache unreachable":          {[]string{"-cache", "redis://" + nobody}, []string{"-cache", nobody, "is a server running there?", "-cache embedded"}},
		"not a cache URL":            {[]string{"-cache", "memory"}, []string{"-cache", "redis://host:port", "rediss://host:port", "-cache embedded"}},
		"no such pool file":          {[]string{"-pools", filepath.Join(dir, "none")}, []string{"-pools", "none", "no such file"}},
		"unknown pool key":           {[]string{"-pools", file("key.json", `{"pools":{"taxi":{"locationTTL":60,"ttl":1}}}`)}, []string{"-pools", `"taxi"`, `"ttl"`, "locationTTL"}},
		"invalid pool file":          {[]string{"-pools", file("broken.json", `{"pools":`)}, []string{"-pools", "JSON"}},
		"an empty pool file":         {[]string{"-pools", file("empty.json", "")}, []string{"-pools", "it is empty", "{}"}},
		"a pool file with a mark":    {[]string{"-pools", file("mark.json", "\xef\xbb\xbf{}")}, []string{"-pools", "byte order mark"}},
		"a folder for pools":         {[]string{"-pools", dir}, []string{"-pools", "is a directory"}},
		"a database of the cache":    {[]string{"-cache", "redis://127.0.0.1?db=1"}, []string{"-cache", "a database or parameters cannot be chosen"}},
		"a cache in quotes":          {[]string{"-cache", `"redis://127.0.0.1"`}, []string{"-cache", "begins or ends with", "a quote"}},
		"no place for events":        {[]string{"-events", dir}, []string{"-events", "is a directory"}},
		"nobody to mingle":           {[]string{"-mingle"}, []string{"-mingle needs -members"}},
		"nobody to decline":          {[]string{"-decline", "0.5"}, []string{"-decline needs -members"}},
		"nobody to be silent":        {[]string{"-silent", "0.5"}, []string{"-silent needs -members"}},
		"nobody to seed":             {[]string{"-seed", "2"}, []string{"-seed needs -members"}},
		"shares above 1":             {[]string{"-members", "1", "-decline", "0.9"}, []string{"-decline and -silent", "at most 1 together", "0.9 and 0.2"}},
		"a share below 0":            {[]string{"-members", "1", "-silent", "-0.1"}, []string{"-decline and -silent", "from 0"}},
		"a share that is none":       {[]string{"-members", "1", "-decline", "NaN"}, []string{"-decline and -silent", "NaN"}},
		"a fault of blanks":          {[]string{"-faults", "gone=0.1,,limit=0.1"}, []string{"-faults", `there is no fault ""`}},
		"a probability that is none": {[]string{"-faults", "gone=NaN"}, []string{"-faults", "from 0 to 1", `"NaN"`}},
		"members below 0":            {[]string{"-members", "-1"}, []string{"-members", "0 to 5000"}},
		"too many members":           {[]string{"-members", "5001"}, []string{"-members", "0 to 5000"}},
		"no log level":               {[]string{"-log", "loud"}, []string{"-log", "debug"}},
		"no such fault":              {[]string{"-faults", "gone=0.1,rain=0.5"}, []string{"-faults", `"rain"`, "lost-disconnect", "slow-cache", "--help"}},
		"no probability":             {[]string{"-faults", "gone=often"}, []string{"-faults", "gone", `"often"`, "from 0 to 1"}},
		"no such runtime":            {[]string{"-runtime", "docker"}, []string{"-runtime", "inprocess", "process"}},
		"no functions":               {[]string{"-runtime", "process", "-functions", dir}, []string{"-functions", "authorizer/bootstrap", "go build", "./functions/authorizer"}},
		"no checkout":                {[]string{"-runtime", "process"}, []string{"./functions", "-functions"}},
		"next release alone":         {[]string{"-runtime", "process", "-next", dir}, []string{"-next needs -functions"}},
		"functions unused":           {[]string{"-functions", dir}, []string{"-functions", "-runtime process"}},
		"no concurrency":             {[]string{"-runtime", "process", "-concurrency", "0"}, []string{"-concurrency", "1 to 1000"}},
		"cache's faults":             {[]string{"-runtime", "process", "-faults", "all"}, []string{"-faults", "lost-reply=0,slow-cache=0"}},
		"no host name":               {[]string{"-allow-host", "http://a:80"}, []string{"-allow-host", `"http://a:80"`, "without scheme, port and path"}},
		"all host names":             {[]string{"-allow-host", "*"}, []string{"-allow-host", `"*"`, "must be a host name"}},
		"every address":              {[]string{"-allow-host", "0.0.0.0"}, []string{"-allow-host", `"0.0.0.0"`, "must be a host name"}},
		"a blank host name":          {[]string{"-allow-host", "a,,b"}, []string{"-allow-host", `""`, "must be a host name"}},
		"a host name twice":          {[]string{"-allow-host", "a", "-allow-host", "A."}, []string{"-allow-host", `"A."`, "more than once"}},
		"no such flag":               {[]string{"-port", "1"}, []string{"-port", "--help"}},
		"an argument":                {[]string{"start"}, []string{`"start"`, "--help"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := test.args
			if name != "no port" {
				args = append([]string{"-addr", "127.0.0.1:0"}, args...)
			}
			var out, log bytes.Buffer
			// A stack that starts all the same stops by itself.
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := run(ctx, args, cancelOnWrite{&out, cancel}, &log)
			if err == nil {
				t.Fatalf("it started:\n%s", &out)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
			if out.Len() > 0 || log.Len() > 0 {
				t.Errorf("outputWrites %q, logged %q", &out, &log)
			}
		})
	}
}

// TestDocumentListsTheFlags compares docs/configuration.md with the command line.
func TestDocumentListsTheFlags(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	if err := run(t.Context(), []string{"-help"}, &help, &help); err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^  (-\S+)`).FindAllStringSubmatch(help.String(), -1)
	if len(flags) < 8 {
		t.Errorf("got %v: the help was not read", flags)
	}
	for _, flag := range flags {
		if row := "\n| `" + flag[1] + "` |"; !strings.Contains(string(text), row) {
			t.Errorf("docs/configuration.md lacks the row %s", row)
		}
	}
	for _, f := range faults.All() {
		if row := fmt.Sprintf("\n| `%s` | %s | `%v` |\n", f.Name, f.Does, f.Default); !strings.Contains(string(text), row) {
			t.Errorf("docs/configuration.md lacks the row %s", row)
		}
	}
}

// The greeting says how to get the same faults again; the last line counts them.
func TestTheGreetingAndTheLastLineNameTheFaults(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	output, ended := make(outputWrites, 2), make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-faults", "seed=7,duplicate=1"}, output, t.Output())
	}()
	greeting := <-output
	if want := "\n  -faults duplicate=1,seed=7\n"; !strings.Contains(greeting, want) {
		t.Errorf("no %q in:\n%s", want, greeting)
	}
	s := &testStack{t: t, base: strings.TrimSuffix(urlLine(t, greeting, "http"), "/"), api: urlLine(t, greeting, "ws")}
	ana := s.dial("ana")
	ana.sendText(`{"action":"ping"}`)
	receiveA[*waggle.Pong](ana)
	receiveA[*waggle.Pong](ana)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got, want := <-output, "Faults injected: duplicate 1 of 1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if strings.Contains(runStack(t).greeting, "-faults") {
		t.Error("the greeting mentions faults, but none are on")
	}
}

// A cancelOnWrite is a buffer that cancels at the first write.
type cancelOnWrite struct {
	*bytes.Buffer
	cancel func()
}

func (c cancelOnWrite) Write(b []byte) (int, error) {
	c.cancel()
	return c.Buffer.Write(b)
}

func TestPoolSettingsTakeEffect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pools.json")
	if err := os.WriteFile(path, []byte(`{"pools":{"tiny":{"maxRadius":500}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := runStack(t, "-pools", path)
	for pool, allowed := range map[string]bool{"tiny": false, "default": true} {
		ana := s.join("ana", "pool", pool)
		err := reportAndAsk(t, ana, 600)
		if allowed != (err == nil) {
			t.Errorf("a radius of 600 m in pool %s: got %v", pool, err)
		}
	}
}

func TestAMatchInARealCacheOutlivesTheStack(t *testing.T) {
	url := caches.Server(t).URL
	first := runStack(t, "-cache", url)
	match := pair(t, first.join("ana"), first.join("ben"))
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	second := runStack(t, "-cache", url)
	if w := hello(t, second.join("ana")); w.Match == nil || w.Match.Match != match {
		t.Errorf("got %+v, want match %s", w.Match, match)
	}
}
