package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"waggle/lab/trace/tracetest"
	"waggle/test/kit"
)

func TestADayIsPlayedAndJudged(t *testing.T) {
	kit.Command(t, "go", "Go, with its command on the path")
	if _, err := exec.LookPath("valkey-server"); err != nil {
		kit.Command(t, "redis-server", "valkey-server 8 or redis-server 7, or later")
	}
	programs := t.TempDir()
	for program, module := range map[string]string{"waggle/lab": ".", "waggle/localstack": filepath.Join("..", "..")} {
		build := exec.Command("go", "build", "-o", programs+string(filepath.Separator), program)
		build.Dir = module
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
	}
	cabs := filepath.Join(programs, "cabs.csv")
	if err := os.WriteFile(cabs, []byte(tracetest.CSV(tracetest.Walk(rand.New(rand.NewPCG(1, 1)), 15, 60))), 0o600); err != nil {
		t.Fatal(err)
	}

	t.Run("on a cluster", func(t *testing.T) {
		t.Parallel()
		out := filepath.Join(t.TempDir(), "day")
		var said bytes.Buffer
		if err := run(nil, programs, []string{"-out", out, "-zone", "UTC", cabs, "-speed", "60", "-for", "8m", "-wait", "60"}, &said, io.Discard); err != nil {
			t.Errorf("%v\n%s", err, &said)
		}
		for _, want := range []string{"of 6 nodes\n", `"nearestShare": 1,`, "lab replay took ", "lab judge took ", "localstack took ", "a node of the cluster took "} {
			if !strings.Contains(said.String(), want) {
				t.Errorf("no %q in\n%s", want, &said)
			}
		}
		for _, took := range regexp.MustCompile(` took (\S+) MiB`).FindAllStringSubmatch(said.String(), -1) {
			if took[1] == "0" {
				t.Errorf("%q took no memory", took[0])
			}
		}
		if picture, err := os.ReadFile(filepath.Join(out, "day.svg")); err != nil || !bytes.Contains(picture, []byte("at speed 60")) {
			t.Errorf("the picture: %v", err)
		}
		gone(t, out)
	})

	// A signal ends the replay in order. The record is judged up to there, and every process ends.
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		out := filepath.Join(t.TempDir(), "day")
		signals := make(chan os.Signal)
		go func() {
			record := filepath.Join(out, "record.jsonl.gz")
			for info, err := os.Stat(record); err != nil || info.Size() < 4096; info, err = os.Stat(record) {
				time.Sleep(50 * time.Millisecond)
			}
			signals <- syscall.SIGINT
		}()
		var said bytes.Buffer
		err := run(signals, programs, []string{"-out", out, "-cache", "embedded", cabs, "-speed", "60"}, &said, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "lab replay: exit status") || strings.Contains(err.Error(), "judge") {
			t.Errorf("got %v, want that the replay did not come to its end", err)
		}
		var verdict struct{ Interrupted, Whole bool }
		text, err := os.ReadFile(filepath.Join(out, "verdict.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &verdict); err != nil || !verdict.Interrupted || !verdict.Whole {
			t.Errorf("the verdict: %+v, %v, want a whole record of a play that was interrupted", verdict, err)
		}
		gone(t, out)
	})

	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"no trace":      {nil, "which trace?"},
		"no such trace": {[]string{filepath.Join(programs, "none.csv")}, "none.csv"},
		"a bad flag":    {[]string{"-out", t.TempDir(), "-cache", "embedded", cabs, "-speed", "0"}, "lab replay: exit status 2"},
		"bad faults":    {[]string{"-out", t.TempDir(), "-cache", "embedded", "-faults", "limit=2", cabs, "-speed", "60"}, "the local stack ended before it was ready: exit status 1; see "},
		"a bad cache":   {[]string{"-out", t.TempDir(), "-cache", "redis://127.0.0.1:1", cabs, "-speed", "60"}, "the local stack ended before it was ready: exit status 1; see "},
	} {
		if err := run(nil, programs, tt.args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// gone checks that the local stack has ended.
func gone(t *testing.T, out string) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(out, "stack.log"))
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`127\.0\.0\.1:\d+`).Find(log)
	if at == nil {
		t.Fatalf("the log has no address:\n%s", log)
	}
	if c, err := net.Dial("tcp", string(at)); err == nil {
		c.Close()
		t.Errorf("something still answers at %s", at)
	}
}
