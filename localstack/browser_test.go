package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"waggle/test/kit"
)

// TestThePageInABrowser runs the cases of e2e/browser.mjs, which use the page at / in a
// real browser as a person does.
func TestThePageInABrowser(t *testing.T) {
	node := javascript(t)
	if _, err := os.Stat("e2e/node_modules/playwright-core"); err != nil {
		kit.Missing(t, "the packages of localstack/e2e: run npm ci there")
	}
	chromium := browser(t)
	s := runStack(t, "-members", "20")
	address := strings.TrimPrefix(s.base, "http://")

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, node, "e2e/browser.mjs", s.base)
	c.Env = append(os.Environ(), "CHROMIUM="+chromium)
	c.Stderr = t.Output()
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	count := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var line struct {
			Name, Error, Do string
			Ms              int
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		switch line.Do {
		case "stop":
			if err := s.stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
		case "start":
			s = runStack(t, "-addr", address)
		default:
			count++
			t.Run(line.Name, func(t *testing.T) {
				t.Logf("%d ms", line.Ms)
				if line.Error != "" {
					t.Error(line.Error)
				}
			})
			continue
		}
		if _, err := fmt.Fprintln(in, "done"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Wait(); err != nil {
		t.Errorf("node: %v", err)
	}
	if want := 19; count != want {
		t.Errorf("%d cases were run, want %d", count, want)
	}
}

// browser returns the path of Chromium or a browser based on it.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	kit.Missing(t, "chromium")
	return ""
}
