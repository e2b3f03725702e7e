package version_test

import (
	"runtime/debug"
	"testing"

	"waggle/internal/version"
)

func TestTheVersionNamesTheCommit(t *testing.T) {
	const commit = "44e738fabcdef0123456789abcdef0123456789a"
	for name, test := range map[string]struct{ version, commit, want string }{
		"a release":               {"v1.2.3", commit, "v1.2.3 44e738fabcde"},
		"a commit":                {"v0.0.0-20261129115530-44e738fabcde", commit, "v0.0.0-20261129115530-44e738fabcde"},
		"changed files":           {"v0.0.0-20261129115530-44e738fabcde+dirty", commit, "v0.0.0-20261129115530-44e738fabcde+dirty"},
		"no version":              {"(devel)", commit, "44e738fabcde"},
		"no checkout":             {"(devel)", "", ""},
		"a module elsewhere":      {"v1.2.3", "", "v1.2.3"},
		"a test, which says less": {"", "", ""},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: test.version}}
		if test.commit != "" {
			info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: test.commit}}
		}
		if got := version.Of(info); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
