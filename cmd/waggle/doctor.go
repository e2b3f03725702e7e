package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"waggle/clients/go/waggle"
	"waggle/cmd/waggle/cli"
	"waggle/cmd/waggle/doctor"
	"waggle/cmd/waggle/endpoint"
)

const doctorText = `
waggle doctor examines a running Waggle from outside, step by step. It prints what
each step found and, where something is wrong, what that means and how to mend it:

  address   the name has an address, and something listens there
  tls       the certificate is valid
  refusal   a connection without a token is refused
  connect   a member with a token is connected: authorizer, $connect, cache
  hello     a message is served, and its reply is pushed back
  latency   how long that takes
  clock     how far this machine's clock is off
  match     two members are matched, one sees the other move, the match ends

The two members meet at a place in the ocean, far from other members. Their earlier
connections, if there are any, are replaced. The exit code is 0 when nothing is wrong,
and 1 otherwise.

  waggle doctor                                         the local stack
  waggle doctor -url wss://… -token T1 -token T2        tokens of two members; with one token, no match
  waggle doctor -url wss://… -token-command 'get {member}' -as ana,ben`

func examine(ctx context.Context, c cli.Console, args []string) error {
	f := cli.Flags(c, "doctor", doctorText)
	url := f.String("url", endpoint.Local, "`URL` of a local stack, or of the WebSocket API")
	command := f.String("token-command", "", "`command` that prints a token for {member} in {pool}; it is run without a shell")
	var tokens []string
	f.Func("token", "`token` of a member; give it twice for two members", func(token string) error {
		tokens = append(tokens, token)
		return nil
	})
	as := f.String("as", "", "the two `members` to get tokens for, with a comma between (default: two of its own)")
	patience := f.Duration("patience", 15*time.Second, "how long to wait for a reply; a function may take 10 s")
	asJSON := f.Bool("json", false, "print JSON at the end")
	_, err := cli.Parse(c, f, args)
	if err != nil {
		return err
	}
	switch {
	case *patience <= 0:
		return cli.Misuse("-patience must be above 0, such as 15s")
	case len(tokens) > 2:
		return cli.Misuse("it takes two tokens at most, not %d", len(tokens))
	case len(tokens) > 0 && (*command != "" || *as != ""):
		return cli.Misuse("give -token, or -token-command and -as, not both")
	case len(tokens) == 2 && tokens[0] == tokens[1]:
		return cli.Misuse("both tokens are the same: a match takes the tokens of two members")
	}
	examination := doctor.Case{Patience: *patience}
	if len(tokens) > 0 {
		examination.Socket, examination.Members, err = endpoint.Bearers(*url, tokens)
	} else {
		examination.Socket, examination.Members, err = temporary(*url, *command, *as)
	}
	if err != nil {
		return cli.Misuse("%w", err)
	}
	if !*asJSON {
		fmt.Fprintf(c.Out, "%s\n\n", examination.Socket)
		examination.Report = func(s doctor.Step) { printStep(c.Out, s) }
	}
	steps, err := examination.Examine(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	failed := 0
	for _, s := range steps {
		if s.Status == doctor.Fail {
			failed++
		}
	}
	if *asJSON {
		e := json.NewEncoder(c.Out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(map[string]any{"url": examination.Socket, "ok": failed == 0, "steps": steps}); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d steps failed", failed, len(steps))
	}
	return nil
}

// temporary returns two members that get tokens from the URL or the command.
func temporary(url, command, as string) (socket string, members []waggle.Options, err error) {
	at, err := endpoint.ParseSeveral(url, command)
	if err != nil {
		return "", nil, err
	}
	own := "doctor-" + strings.ToLower(rand.Text()[:8])
	names := []string{own + "-1", own + "-2"}
	if as != "" {
		if names = strings.Split(as, ","); len(names) != 2 {
			return "", nil, fmt.Errorf("-as takes two members, such as ana,ben, not %q", as)
		}
		if names[0] == names[1] {
			return "", nil, fmt.Errorf("-as takes two members, and %q is there twice", names[0])
		}
	}
	for _, name := range names {
		m := endpoint.Member{ID: name, Pool: own}
		if err := m.Check(); err != nil {
			return "", nil, err
		}
		members = append(members, at.Options(m))
	}
	return at.Socket, members, nil
}

func printStep(w io.Writer, s doctor.Step) {
	status := string(s.Status)
	switch s.Status {
	case doctor.Fail:
		status = "FAIL"
	case doctor.Skipped:
		status = "–"
	}
	fmt.Fprintf(w, "%-5s %-8s %s\n", status, s.Name, s.Found)
	if s.Mend != "" {
		fmt.Fprintf(w, "%15s→ %s\n", "", s.Mend)
	}
}
