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
	"waggle/cmd/waggle/internal/doctor"
	"waggle/cmd/waggle/internal/endpoint"
)

const doctorText = `
waggle doctor looks at a running Waggle from outside, one step after the other, and
says what each found and, where something is wrong, what that means and what to mend:

  address   the name is known, and something listens there
  tls       the certificate is good
  refusal   without a token nobody gets in
  connect   with one, a member does: authorizer, $connect, cache
  hello     a message is served, and its answer is pushed back
  latency   how long that takes
  clock     how far this machine's clock is off
  match     two members find each other, one is seen to move, both part

The two members meet at a place in the ocean, far from anybody. Whoever is connected
as one of them is replaced. It exits with 0 when nothing is wrong, and else with 1.

  waggle doctor                                         the local stack
  waggle doctor -url wss://… -token T1 -token T2        two members' tokens; with one, no match
  waggle doctor -url wss://… -token-command 'get {member}' -as ana,ben`

func examine(ctx context.Context, c console, args []string) error {
	f := newFlags(c, "doctor", doctorText)
	url := f.String("url", endpoint.Local, "`URL` of a local stack, or of the WebSocket API")
	command := f.String("token-command", "", "`command` that prints a token for {member} in {pool}; it is run without a shell")
	var tokens []string
	f.Func("token", "`token` of a member; twice for two of them", func(token string) error {
		tokens = append(tokens, token)
		return nil
	})
	as := f.String("as", "", "the two `members` that tokens are asked for, with a comma between (default: two of its own)")
	patience := f.Duration("patience", 15*time.Second, "how long to wait for an answer; a function may take 10 s")
	asJSON := f.Bool("json", false, "print JSON, once all is done")
	operands, err := parse(c, f, args)
	if err != nil {
		return err
	}
	if err := expect(f, operands); err != nil {
		return err
	}
	switch {
	case *patience <= 0:
		return misusef("-patience must be above 0, such as 15s")
	case len(tokens) > 2:
		return misusef("it takes two tokens at most, not %d", len(tokens))
	case len(tokens) > 0 && *command != "":
		return misusef("give -token or -token-command, not both")
	}
	patient := doctor.Case{Patience: *patience}
	if len(tokens) > 0 {
		patient.Socket, patient.Members, err = endpoint.Bearers(*url, tokens)
	} else {
		patient.Socket, patient.Members, err = temporary(*url, *command, *as)
	}
	if err != nil {
		return misuse{err}
	}
	if !*asJSON {
		fmt.Fprintf(c.out, "%s\n\n", patient.Socket)
		patient.Tell = func(s doctor.Step) { tellStep(c.out, s) }
	}
	steps, err := patient.Examine(ctx)
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
		e := json.NewEncoder(c.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(map[string]any{"url": patient.Socket, "ok": failed == 0, "steps": steps}); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d steps failed", failed, len(steps))
	}
	return nil
}

// temporary are two members for whom tokens can be had.
func temporary(url, command, as string) (socket string, members []waggle.Options, err error) {
	at, err := endpoint.Parse(url, command)
	if err != nil {
		return "", nil, err
	}
	own := "doctor-" + strings.ToLower(rand.Text()[:8])
	names := []string{own + "-1", own + "-2"}
	if as != "" {
		if names = strings.Split(as, ","); len(names) != 2 {
			return "", nil, fmt.Errorf("-as takes two members, such as ana,ben, not %q", as)
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

func tellStep(w io.Writer, s doctor.Step) {
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
