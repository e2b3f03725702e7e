package main

import (
	"fmt"
	"net"
	"strings"
	"time"

	"waggle/localstack/issuer"
)

// A terminal is from where the stack was started.
type terminal struct {
	User string // its name there
	SSH  string // SSH_CONNECTION: client and its port, server and its port; "" without
}

// greeting has each URL alone on a line, for people and for programs.
func (s *stack) greeting(took time.Duration, from terminal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Waggle is ready after %.2f s.\n", took.Seconds())
	if s.open {
		token := issuer.TokenPath + "?member=ana"
		fmt.Fprintf(&b, "\nThe map:\n%s\n", s.url("http", "/"))
		fmt.Fprintf(&b, "\nTwo members, a tab for each:\n%s\n%s\n", s.url("http", "/?me=ana"), s.url("http", "/?me=ben"))
		fmt.Fprintf(&b, "\nA token for a member:\n%s\n  curl '%s'\n", s.url("http", token), s.address+token)
	} else {
		fmt.Fprintf(&b, "\nTokens and the map are off, as other machines can reach this address; -insecure-tokens turns them on.\n%s\n", s.url("http", "/healthz"))
	}
	fmt.Fprintf(&b, "\nThe WebSocket API:\n%s\n", s.url("ws", "/"+stage))
	if s.config.Runtime == processes {
		fmt.Fprintf(&b, "\nThe functions run as processes, each started when it is needed, up to %d of one.\n", s.config.Concurrency)
	}
	if s.config.Faults != nil {
		fmt.Fprintf(&b, "\nThings go wrong on purpose, and the same again with:\n  -faults %v\n", s.config.Faults)
	}
	if s.tunnel {
		fmt.Fprintf(&b, "\nWith your browser on another machine, run this there first:\n  %s\n", from.forward(s.address))
	}
	return b.String() + "\n"
}

// forward is the command that brings the stack's address to another machine.
func (from terminal) forward(address string) string {
	_, port, _ := net.SplitHostPort(address)
	command, host := "ssh", "this-machine"
	if f := strings.Fields(from.SSH); len(f) == 4 {
		host = f[2]
		if f[3] != "22" {
			command += " -p " + f[3]
		}
		if from.User != "" {
			host = from.User + "@" + host
		}
	}
	return fmt.Sprintf("%s -L %s:%s %s", command, port, address, host)
}
