package main

import (
	"fmt"
	"net"
	"strings"
	"time"

	"waggle/localstack/issuer"
	"waggle/localstack/members"
)

// A terminal is where the stack was started.
type terminal struct {
	User string // the user's name on this machine
	SSH  string // SSH_CONNECTION: the client's address and port, then the server's; "" without SSH
}

// greeting puts each URL on its own line, so that programs can read it too.
func (s *stack) greeting(took time.Duration, from terminal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Waggle started in %.2f s.\n", took.Seconds())
	if s.open {
		token := issuer.TokenPath + "?member=ana"
		fmt.Fprintf(&b, "\nThe map:\n%s\n", s.url("http", "/"))
		fmt.Fprintf(&b, "\nTwo members, one tab each:\n%s\n%s\n", s.url("http", "/?me=ana"), s.url("http", "/?me=ben"))
		if s.config.Members > 0 && !s.config.Mingle {
			fmt.Fprintf(&b, "\nA member among the simulated ones:\n%s\n", s.url("http", "/?me=ana&pool="+members.Pool))
		}
		fmt.Fprintf(&b, "\nA token for a member:\n%s\n  curl '%s'\n", s.url("http", token), s.address+token)
	} else {
		fmt.Fprintf(&b, "\nTokens and the map are off because other machines can reach this address; -insecure-tokens turns them on.\n%s\n", s.url("http", "/healthz"))
	}
	fmt.Fprintf(&b, "\nThe WebSocket API:\n%s\n", s.url("ws", "/"+stage))
	if s.config.Runtime == processes {
		fmt.Fprintf(&b, "\nThe functions run as processes, started on demand: up to %d for each function.\n", s.config.environments())
	}
	if s.config.Faults != nil {
		fmt.Fprintf(&b, "\nFaults are injected. To get the same ones again:\n  -faults %v\n", s.config.Faults)
	}
	if !s.loopback {
		fmt.Fprintf(&b, "\nTo reach it by a host name, add -allow-host NAME; an IP address of this machine needs none.\n")
	} else {
		fmt.Fprintf(&b, "\nIf your browser is on another machine, run this there first:\n  %s\n", from.forward(s.address))
	}
	return b.String() + "\n"
}

// forward returns the ssh command that makes the stack's address reachable on another
// machine.
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
