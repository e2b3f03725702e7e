package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"waggle/cmd/waggle/cli"
	"waggle/cmd/waggle/endpoint"
	"waggle/internal/protocol"
)

const adminText = `
waggle admin does what the back end of an application may do: it invokes the function
match of the local stack with a verb, and prints the answer, which is JSON. The exit
code is 1 if the answer is an error.

The verbs, and the fields of each:
%s
  waggle admin member.get member=ana position=true
  waggle admin member.disconnect member=ana reason='maintenance'
  waggle admin member.forget member=ana
  waggle admin match.create matcher=ana matchee=ben
  waggle admin pool.counts lat=37.77 lng=-122.42 radius=5000
  waggle admin match.end member=ana match=MATCH reason=cancelled

docs/back-end.md describes the answers, and how to do the same on AWS.`

func admin(ctx context.Context, c cli.Console, args []string) error {
	names, fields := protocol.Verbs()
	var list strings.Builder
	for _, name := range names {
		fmt.Fprintf(&list, "  %-18s %s\n", name, strings.Join(fields[name], ", "))
	}
	f := cli.Flags(c, "admin", fmt.Sprintf(adminText, list.String()))
	url := f.String("url", endpoint.Local, "`URL` of a local stack on this machine")
	pool := f.String("pool", "default", "`pool` of the members")
	words, err := cli.ParseAny(c, f, args)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return cli.Misuse("name a verb: one of %s; -h says more", strings.Join(names, ", "))
	}
	at, err := endpoint.Parse(*url, "")
	if err != nil {
		return cli.Misuse("%w", err)
	}
	call := []field{{"verb", quote(words[0])}, {"pool", quote(*pool)}}
	for _, word := range words[1:] {
		name, text, ok := strings.Cut(word, "=")
		if !ok || name == "" {
			return cli.Misuse("%q is not name=value, as in: waggle admin member.get member=ana", word)
		}
		one := field{name, quote(text)}
		switch name {
		case "lat", "lng", "position", "radius":
			one.value = value(text)
		}
		call = append(call, one)
	}
	answer, err := invoke(ctx, at, object(call))
	if err != nil {
		return interrupted(ctx, at.Explain(err))
	}
	var said protocol.Error
	kind := struct{ Type string }{}
	if err := errors.Join(json.Unmarshal(answer, &kind), json.Unmarshal(answer, &said)); err == nil && kind.Type == "error" {
		return fmt.Errorf("%s: %s", said.Code, said.Message)
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, answer, "", "  ") != nil {
		return fmt.Errorf("the stack answered %.200q, which is not JSON", answer)
	}
	_, err = fmt.Fprintln(c.Out, pretty.String())
	return err
}

// invoke invokes the function match of a local stack.
func invoke(ctx context.Context, at endpoint.Endpoint, payload []byte) ([]byte, error) {
	to := at.Sibling("/2015-03-31/functions/match/invocations")
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("X-Amz-Function-Error") != "" {
		return nil, fmt.Errorf("%s answered %s: %.200s; only a local stack that listens on loopback takes verbs", to, response.Status, bytes.TrimSpace(answer))
	}
	return answer, nil
}
