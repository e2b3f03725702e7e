package faults_test

import (
	"strings"
	"testing"

	"waggle/localstack/faults"
)

func TestValidFaultsAreParsed(t *testing.T) {
	for text, want := range map[string]string{
		"gone=0.25":                          "gone=0.25,seed=1",
		" duplicate=1 , seed=7 ":             "duplicate=1,seed=7",
		"slow-cache=0.1":                     "slow-cache=0.1:100ms,seed=1",
		"slow-cache=0.1:1.5s":                "slow-cache=0.1:1.5s,seed=1",
		"gone=0":                             "seed=1",
		"limit=1@40s-1m":                     "limit=1@40s-1m0s,seed=1",
		"slow-cache=1:2s@0s-500ms":           "slow-cache=1:2s@0s-500ms,seed=1",
		"gone=1,gone=0.5":                    "gone=0.5,seed=1",
		"seed=18446744073709551615,gone=1":   "gone=1,seed=18446744073709551615",
		"all,late-disconnect=0,reorder=0:1s": "lost-disconnect=0.3,duplicate=0.1,gone=0.02,limit=0.02,lost-reply=0.02,slow-cache=0.1:100ms,seed=1",
	} {
		f, err := faults.New(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := f.String(); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
		if reparsed, err := faults.New(want); err != nil || reparsed.String() != want {
			t.Errorf("%q does not parse to itself: got %v, %v", want, reparsed, err)
		}
	}
}

func TestInvalidFaultsAreRefusedWithWhatIsAllowed(t *testing.T) {
	names := "lost-disconnect, late-disconnect, duplicate, reorder, gone, limit, lost-reply, slow-cache"
	for text, want := range map[string][]string{
		"":                        {`there is no fault ""`, names, "all", "seed=N"},
		"gone=1,":                 {`there is no fault ""`, names},
		"lost=1":                  {`there is no fault "lost"`, names, "all", "seed=N"},
		"Gone=1":                  {`there is no fault "Gone"`, names},
		"all=1":                   {`there is no fault "all"`, "or all,"},
		"gone":                    {"gone", "from 0 to 1", "gone=0.02", `not ""`},
		"gone=often":              {"gone", "from 0 to 1", `not "often"`},
		"gone=1.01":               {"gone", "from 0 to 1", `not "1.01"`},
		"gone=-0.1":               {"gone", "from 0 to 1", `not "-0.1"`},
		"gone=NaN":                {"gone", "from 0 to 1", `not "NaN"`},
		"gone=0.1:1s":             {"gone", "it has no time", "late-disconnect, reorder, slow-cache"},
		"slow-cache=0.1:":         {"slow-cache", "at most 20s", "slow-cache=0.1:100ms", `not ""`},
		"slow-cache=0.1:soon":     {"slow-cache", "at most 20s", `not "soon"`},
		"slow-cache=0.1:0s":       {"slow-cache", "above 0"},
		"late-disconnect=0.1:21s": {"late-disconnect", "at most 20s", `not "21s"`},
		"gone=1@":                 {"two times", "gone=0.02@40s-1m", `not ""`},
		"gone=1@1s":               {"two times", `not "1s"`},
		"gone=1@2s-1s":            {"the later one second", `not "2s-1s"`},
		"gone=1@-1s-1s":           {"two times"},
		"seed":                    {"seed", "whole number", `not ""`},
		"seed=-1":                 {"seed", "from 0 to 2^64-1", `not "-1"`},
	} {
		_, err := faults.New(text)
		if err == nil {
			t.Errorf("%q was accepted", text)
			continue
		}
		for _, words := range want {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%q: got %q, want %q in it", text, err, words)
			}
		}
	}
}

func TestHelpHasALineForEachFault(t *testing.T) {
	for _, f := range faults.All() {
		found := false
		for line := range strings.Lines(faults.Help()) {
			found = found || f.Does != "" && strings.HasPrefix(line, "  "+f.Name+" ") && strings.HasSuffix(line, " "+f.Does+"\n")
		}
		if !found {
			t.Errorf("no line says what %s does, %q:\n%s", f.Name, f.Does, faults.Help())
		}
	}
}
