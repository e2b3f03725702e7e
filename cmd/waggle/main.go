// Command waggle is Waggle on the command line: a shell for its protocol, a
// demonstration, a doctor for a deployed stack, and the verbs of a back end.
package main

import (
	"context"

	"waggle/cmd/waggle/cli"
)

func main() { program().Main() }

func program() cli.Program {
	return cli.Program{
		Name:  "waggle",
		About: "realtime matching by place, on the command line",
		Commands: []cli.Command{
			{Name: "shell", Summary: "speak the protocol as a member: type frames, and see the frames that come", Run: shell},
			{Name: "demo", Summary: "see two members find each other, move, lose a connection and part", Run: demo},
			{Name: "doctor", Summary: "examine a running Waggle: what works, what does not, and how to mend it", Run: examine},
			{Name: "admin", Summary: "do what a back end may do on a local stack: look at members and matches, and end them", Run: admin},
		},
		Examples: `
With a local stack running (make run), try:
  waggle demo
  waggle shell -as ana
  waggle doctor

waggle COMMAND -h says more.`,
	}
}

// interrupted returns cli.ErrInterrupted for an error that comes from the end of ctx.
func interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return cli.ErrInterrupted
	}
	return err
}
