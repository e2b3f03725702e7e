// Command lab plays and judges days: replay plays a trace against a running Waggle,
// judge decides from the record whether the promises were kept, city makes up a trace,
// and load puts a stated load on a stack. It is a module of its own, so that Waggle does
// not need its packages.
package main

import (
	"bytes"
	"os"
	"path/filepath"
	_ "time/tzdata" // so that -zone works where the system has no zones

	"waggle/cmd/waggle/cli"
)

func main() {
	backToCaller()
	program().Main()
}

func program() cli.Program {
	return cli.Program{
		Name:  "lab",
		About: "play a city's day against Waggle, and judge it; or put load on it",
		Commands: []cli.Command{
			{Name: "replay", Summary: "play a trace against a running Waggle", Run: replayFile},
			{Name: "judge", Summary: "decide from the record of a replay whether the promises were kept", Run: judgeRecord},
			{Name: "city", Summary: "make up a city's day to replay, or compare one with a real day", Run: makeCity},
			{Name: "bench", Summary: "measure what messages cost the cache", Run: measure},
			{Name: "evaluate", Summary: "compare policies of reporting: messages, errors and dollars", Run: evaluatePolicies},
			{Name: "load", Summary: "put load on a local stack, and measure it", Run: putLoad},
			{Name: "incident", Summary: "play an incident under load, and say what moved", Run: playIncident},
		},
		Examples: `
At the top of a checkout:
  go -C lab run . city -h      makes a trace
  go -C lab run . replay -h    plays it, on a stack that runs at the replay's speed
  go -C lab run . judge -h     judges its record
  go -C lab run . load -h      opens thousands of connections
Paths are relative to the folder in which you type this. make day does all of it.`,
	}
}

// backToCaller undoes the change of directory of "go -C lab run .", so that the user's
// paths are relative to the user's folder. The shell has left that folder in $PWD.
func backToCaller() {
	caller := os.Getenv("PWD")
	module, err := os.ReadFile("go.mod")
	here, err2 := os.Getwd()
	if err != nil || err2 != nil || !bytes.HasPrefix(module, []byte("module waggle/lab\n")) || !filepath.IsAbs(caller) || caller == here {
		return
	}
	_ = os.Chdir(caller) // if the folder is gone, paths are relative to this one
}
