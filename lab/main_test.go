package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waggle/cmd/waggle/cli"
)

// typed runs a command line.
func typed(ctx context.Context, args ...string) (out, errs string, err error) {
	var o, e bytes.Buffer
	err = program().Run(ctx, cli.Console{Out: &o, Err: &e}, args)
	return o.String(), e.String(), err
}

func TestPathsAreRelativeToTheCallerOfGoRun(t *testing.T) {
	here, err := os.Getwd() // the folder of the module, as after "go -C lab run ."
	if err != nil {
		t.Fatal(err)
	}
	for caller, want := range map[string]string{filepath.Dir(here): filepath.Dir(here), here: here, "": here, "..": here, filepath.Join(here, "none"): here} {
		t.Chdir(here)
		t.Setenv("PWD", caller)
		backToCaller()
		t.Setenv("PWD", "") // Getwd would believe it
		if got, err := os.Getwd(); err != nil || got != want {
			t.Errorf("called in %q: got %q, %v, want %q", caller, got, err, want)
		}
	}
	elsewhere := t.TempDir() // a program in another folder ignores $PWD
	t.Chdir(elsewhere)
	t.Setenv("PWD", here)
	backToCaller()
	if _, err := os.Stat("go.mod"); err == nil {
		t.Errorf("in %q: got to $PWD, %q", elsewhere, here)
	}
}

func TestHelpHasExamplesOrFlags(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"-h"}, {"help", "replay"}, {"replay", "-help"}, {"judge", "-h"}, {"city", "-h"}, {"load", "-h"}, {"evaluate", "-h"}} {
		out, errs, err := typed(t.Context(), args...)
		if err != nil || errs != "" {
			t.Errorf("%q: got %q, %v, want no error", args, errs, err)
		}
		if !strings.Contains(out, "city -h") && !strings.Contains(out, "Flags:") {
			t.Errorf("%q: got %q, want an example or the flags", args, out)
		}
		// A replay needs a pool that is set for its speed.
		if strings.Contains(out, "replay -from") && !strings.Contains(out, "-print-pools") {
			t.Errorf("%q: got %q, with a replay but without -print-pools", args, out)
		}
	}
}

func TestAMistakeIsExplained(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "Commands:"},
		{"dance", `there is no command "dance"`},
		{"replay", "takes FILE, and got nothing"},
		{"replay a b", `got ["a" "b"]`},
		{"load a", "takes nothing but flags"},
		{"load -connections 10", "-connections 10 is too few: 200 follow or are followed, 50 wait, 100 ask"},
		{"load -askers 0 -requests 1", "needs -askers"},
		{"load -askers -1", "numbers from 0"},
		{"load -reports 1", "give a higher -reports, or fewer -connections"},
		{"load -reports NaN", "-reports"},
		{"load -ramp 100,many", "such as 250,500,1000"},
		{"load -ramp 100,0", "above 0"},
		{"load -reconnect-at 1m", "less than -for"},
		{"load -ramp 100 -reconnect-at 1s", "cannot be combined with -ramp"},
		{"load -for 1ms", "at least 1s"},
		{"load -pool A", "1 to 32 of a-z"},
		{"load -url nowhere", "is no URL"},
		{"evaluate a b", "one FILE at most"},
		{"evaluate -seed 1,x", "numbers such as 1,2,3"},
		{"evaluate -members 0", "1 to 10000"},
		{"evaluate -for 1s", "1m to 24h"},
		{"evaluate -noise NaN", "0 to 1000 metres"},
		{"evaluate -keep-alive 500ms", "whole seconds"},
		{"evaluate -latency 1500ms", "whole seconds"},
		{"evaluate -searches -1", "0 to 1000000"},
		{"evaluate -from noon", "18:00"},
		{"evaluate -plot x.gif", ".svg or .png"},
		{"judge a", "takes TRACE RECORD, and got [\"a\"]"},
		{"judge -zone Mars a b", "America/Los_Angeles"},
		{"judge -findings -1 a b", "-findings must be a number from 0, not -1"},
		{"judge -ambiguous 0 a b", "-ambiguous must be a share above 0, up to 1, not 0"},
		{"judge -ambiguous 2 a b", "-ambiguous must be a share above 0, up to 1, not 2"},
		{"judge main.go main.go", "TRACE and RECORD are the same file, main.go"},
		{"replay -record main.go main.go", "-record main.go would overwrite the trace"},
		{"city -o x.csv -date 1969-05-29", "-date must be from 1970 to 5000"},
		{"load -token-command token", "-token-command must have {member} in it"},
		{"city -o main.go -compare main.go", "must be different files"},
		{"city -compare a -o x.svg -plot x.svg", "must be different files"},
		{"load -cache redis://a,redis://a", "-cache"},
		{"load -cache a,,b", "-cache"},
		{"replay -print-pools -pool A", "1 to 32 of a-z"},
		{"replay -print-pools -speed 1000000", "confirm"},
	} {
		_, errs, err := typed(t.Context(), strings.Fields(tt.args)...)
		if !errors.Is(err, cli.ErrUsage) || !strings.Contains(errs, tt.want) {
			t.Errorf("%q: got %q, %v, want %q", tt.args, errs, err, tt.want)
		}
	}
}

func TestReplayErrorsSayWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cabs.csv")
	if err := os.WriteFile(file, []byte("unix_s,cab,lat,lng,occupied\n1212195600,a,37,-122,0\n1212195620,a,37,-122,0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"-speed 0", "-speed must be 0.01 to 1000000"},
		{"-speed 1e-9", "-speed must be 0.01 to 1000000, not 1e-09"},
		{"-speed NaN", "-speed must be 0.01"},
		{"-for 500ms", "-for must be a duration above 0 in whole seconds"},
		{"-ttl 2000000h", "at most 10000h"},
		{"-radius 5", "100 to 20000"},
		{"-wait 60000", "600 s at most"},
		{"-zone Mars", "America/Los_Angeles"},
		{"-from noon", "18:00"},
		{"-from 03:00 -for 1h", "goes from 2008-05-30T18:00:00-07:00 to 2008-05-30T18:00:20-07:00"},
		{"-from 0", "-from 1969-12-31T16:00:00-08:00 is outside"},
		{"-from 17:59", "is outside"},
		{"-from 18:00:21", "is outside"},
		{"-from 18:00:05 -for 10s", "has nothing from 2008-05-30T18:00:05-07:00"},
		{"-radius NaN", "100 to 20000"},
		{"-ahead 1500ms", "-ahead must be 0s to 1h in whole seconds"},
		{"-ahead -1m", "-ahead must be 0s to 1h in whole seconds"},
		{"-pool sf.old", "1 to 32 of a-z"},
		{"-url wss://api.example/prod", "-token-command"},
		{"-url nowhere", "is no URL"},
	} {
		_, errs, err := typed(t.Context(), append([]string{"replay", file}, strings.Fields(tt.args)...)...)
		if !errors.Is(err, cli.ErrUsage) || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.args, errs, err, tt.want)
		}
	}
	if _, _, err := typed(t.Context(), "replay", file, "-url", "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "make run") {
		t.Errorf("no stack: got %v, want the next step", err)
	}
	if _, _, err := typed(t.Context(), "replay", file+".not"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	if _, _, err := typed(t.Context(), "replay", file, "-record", filepath.Join(file, "x")); err == nil || !strings.Contains(err.Error(), "-record: ") {
		t.Errorf("no folder for the record: got %v", err)
	}
}

func TestLoadErrorsSayWhatToDo(t *testing.T) {
	if _, _, err := typed(t.Context(), "load", "-url", "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "make run") {
		t.Errorf("no stack: got %v, want the next step", err)
	}
}

func TestReplayPrintsPools(t *testing.T) {
	out, _, err := typed(t.Context(), "replay", "-print-pools", "-speed", "60", "-ttl", "180s")
	if err != nil || !strings.Contains(out, `"locationTTL": 3,`) || !strings.Contains(out, `"sf"`) {
		t.Errorf("got %s, %v, want a TTL of 3 s in pool sf", out, err)
	}
}
