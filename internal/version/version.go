// Package version names what a program was built from: the version and the commit that Go
// writes into it. The functions tell it in a welcome, and the stack on AWS in what it says of
// each function.
package version

import (
	"runtime/debug"
	"strings"
	"sync"
)

// Own returns the version of this program, "" if it was built outside a checkout.
var Own = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return Of(info)
})

// Of returns a program's version: v1.2.3 of a release, or else one made of the commit's time.
// The commit's first twelve digits are always in it; "+dirty" says that files had changed.
func Of(info *debug.BuildInfo) string {
	version, commit := info.Main.Version, ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value[:min(12, len(s.Value))]
		}
	}
	switch {
	case version == "" || version == "(devel)":
		return commit
	case strings.Contains(version, commit):
		return version
	}
	return version + " " + commit
}
