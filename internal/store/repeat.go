package store

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"
)

// A manner of sending calls.
type manner int

const (
	byDigest manner = iota // the node is to know the script
	byText
	// around is by another node than the one that the client takes for the slot's.
	around
)

// pauses come before the repeats of what failed: 2.3 s in all.
var pauses = [...]time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond, 150 * time.Millisecond,
	200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond,
	200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond}

// run sends the calls in one trip and returns their results in the same order.
// Those whose script the node does not know are sent again with its text. Those that
// failed are repeated, at once, as a frozen environment finds its sockets broken, and
// then more and more slowly for as long as a failover may take; but not one that
// must be sent once and may have arrived.
func (s *Store) run(ctx context.Context, calls ...call) []valkey.ValkeyResult {
	results := make([]valkey.ValkeyResult, len(calls))
	open := make([]int, len(calls))
	for i := range calls {
		open[i] = i
	}
	s.trip(ctx, calls, open, results, byDigest)
	for attempt := 0; ; attempt++ {
		unknown := choose(open, func(n int) bool {
			reply, ok := valkey.IsValkeyErr(results[n].Error())
			return ok && reply.IsNoScript()
		})
		if len(unknown) > 0 {
			s.trip(ctx, calls, unknown, results, byText)
		}
		open = choose(open, func(n int) bool { return repeatable(calls[n], results[n].Error()) })
		if len(open) == 0 || attempt == len(pauses) || ctx.Err() != nil || s.sleep(ctx, pauses[attempt]) != nil {
			return results
		}
		how := byText
		if attempt > 0 || slices.ContainsFunc(open, func(n int) bool { return unreached(results[n].Error()) }) {
			how = around
		}
		s.trip(ctx, calls, open, results, how)
	}
}

func choose(all []int, which func(int) bool) (some []int) {
	for _, n := range all {
		if which(n) {
			some = append(some, n)
		}
	}
	return some
}

// around sends each call to any node that is up and, where that one says that another
// has the slot by now, to that. The client itself would look for the new
// node once in a second, and fail until then.
func (s *Store) around(ctx context.Context, client valkey.Client, calls []call, which []int, results []valkey.ValkeyResult) {
	nodes := client.Nodes()
	for _, n := range which {
		for _, node := range nodes { // in an order that is another each time
			results[n] = node.Do(ctx, s.command(node, calls[n], false))
			if reply, ok := valkey.IsValkeyErr(results[n].Error()); ok {
				if address, moved := reply.IsMoved(); moved {
					owner := cmp.Or(nodes[address], client) // which looks anew, where it has not heard of the node
					results[n] = owner.Do(ctx, s.command(owner, calls[n], false))
				}
			}
			if !unreached(results[n].Error()) {
				break
			}
		}
	}
}

// repeatable tells whether a call that came to this is to be sent again. Where the
// server refused it, or was never reached, it was not done; else it may have been.
func repeatable(c call, err error) bool {
	if err == nil {
		return false
	}
	if reply, ok := valkey.IsValkeyErr(err); ok {
		return passing(reply)
	}
	return !c.once || unreached(err)
}

// unreached tells whether nobody was there to connect to.
func unreached(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}

// transient tells whether a refusal is about the state of the cache, and not about
// what it was asked.
func transient(reply *valkey.ValkeyError) bool {
	return passing(reply) || begins(reply, "OOM", "NOAUTH", "WRONGPASS") || strings.Contains(reply.Error(), "OOM ")
}

// passing tells whether a refusal is one of a server that starts, of a replica that
// is about to be promoted, or of one that has just been.
func passing(reply *valkey.ValkeyError) bool {
	return begins(reply, "LOADING", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "READONLY", "BUSY", "MOVED", "ASK")
}

func begins(reply *valkey.ValkeyError, any ...string) bool {
	return slices.ContainsFunc(any, func(prefix string) bool { return strings.HasPrefix(reply.Error(), prefix) })
}
