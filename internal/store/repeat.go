package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"
)

// A delivery says how calls are sent.
type delivery int

const (
	asFunctions delivery = iota // the node is expected to have the library
	asTexts
	// viaOtherNode sends the call to a node other than the slot's cached owner.
	viaOtherNode
)

// pauses come before the retries of a call that failed: 2.3 s in all, about as long as a
// failover takes.
var pauses = [...]time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond, 150 * time.Millisecond,
	200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond,
	200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond}

// pausesOfMove are those before the retries of a call whose slot is being moved to another
// node: 300 ms in all. A move may take minutes, so to wait longer would only cost time.
const pausesOfMove = 4

// run sends the calls in one trip and returns their results in the same order. A call
// whose function the node does not have is sent again as a text. A call that
// failed is retried: at once, since a thawed environment finds its sockets broken, and
// then more and more slowly for as long as a failover may take. A call that must be
// sent once is not retried if it may have arrived. If the result is a refusal, no try of the
// call was done.
func (s *Store) run(ctx context.Context, calls ...call) []valkey.ValkeyResult {
	results := make([]valkey.ValkeyResult, len(calls))
	open := make([]int, len(calls))
	for i := range calls {
		open[i] = i
	}
	inDoubt := make([]bool, len(calls)) // a try may have been done
	how := asFunctions
	if s.textsOnly.Load() {
		how = asTexts
	}
	s.trip(ctx, calls, open, results, how, false)
	for attempt := 0; ; attempt++ {
		if notRun := choose(open, func(n int) bool { return notRun(results[n].Error()) }); how == asFunctions && len(notRun) > 0 {
			if slices.ContainsFunc(notRun, func(n int) bool { return noFunction(results[n].Error()) }) {
				s.loadLibrary(ctx)
			}
			s.trip(ctx, calls, notRun, results, asTexts, true)
		}
		for _, n := range open {
			inDoubt[n] = inDoubt[n] || doubtful(results[n].Error())
		}
		open = choose(open, func(n int) bool {
			err := results[n].Error()
			return repeatable(calls[n], err) && (attempt < pausesOfMove || !moving(err))
		})
		if len(open) == 0 || attempt == len(pauses) || ctx.Err() != nil || s.sleep(ctx, pauses[attempt]) != nil {
			return certain(results, inDoubt)
		}
		how = asTexts
		if attempt > 0 || slices.ContainsFunc(open, func(n int) bool { return unreached(results[n].Error()) || moving(results[n].Error()) }) {
			how = viaOtherNode
		}
		s.trip(ctx, calls, open, results, how, true)
	}
}

// noFunction tells whether a node does not have the function, or lets nobody call one.
func noFunction(err error) bool {
	reply, ok := valkey.IsValkeyErr(err)
	return ok && begins(reply, "Function not found", "unknown command", "NOPERM")
}

// notRun tells whether a function was not run where a text may be: a cache that is full, or takes
// no writes for another reason, refuses every function, but only those texts that write.
func notRun(err error) bool {
	reply, ok := valkey.IsValkeyErr(err)
	return noFunction(err) || ok && begins(reply, "OOM", "NOREPLICAS", "MISCONF")
}

func choose(all []int, which func(int) bool) (some []int) {
	for _, n := range all {
		if which(n) {
			some = append(some, n)
		}
	}
	return some
}

// viaOtherNode sends each call to any node that is up, which may name the slot's new
// owner: then it sends the call there. The client itself would look for the new owner
// once a second, and fail until then.
//
// The owner of a slot that is being moved runs a call if it has all its keys, and names the
// next owner (ASK) if it has none. Then all of them that exist are there. But the next owner
// refuses a call of which any key does not exist, as most calls have. It runs one that
// declares a single key, which is the same call by then.
func (s *Store) viaOtherNode(ctx context.Context, client valkey.Client, calls []call, which []int, results []valkey.ValkeyResult) {
	nodes := client.Nodes()
	for _, n := range which {
		for _, node := range nodes { // in a different order each time
			results[n] = markUnsent(node.Do(ctx, s.command(node, calls[n], false)))
			if reply, ok := valkey.IsValkeyErr(results[n].Error()); ok {
				if address, moved := reply.IsMoved(); moved {
					owner := cmp.Or(nodes[address], client) // the client looks up a node that it does not know
					results[n] = owner.Do(ctx, s.command(owner, calls[n], false))
				}
			}
			if reply, ok := valkey.IsValkeyErr(results[n].Error()); ok {
				if address, asks := reply.IsAsk(); asks && nodes[address] != nil {
					next := nodes[address]
					results[n] = markUnsent(next.DoMulti(ctx, next.B().Asking().Build(), s.byFirstKey(next, calls[n]))[1])
				}
			}
			if !unreached(results[n].Error()) {
				break
			}
		}
	}
}

// unsent is an error of connecting to a node, or of asking for the nodes. It comes before any
// call is sent, so none was done.
type unsent struct{ error }

func (e unsent) Unwrap() error { return e.error }

// markUnsent makes a refusal that the client got while it connected tell from one of the call, of
// which any text may be. The client returns the former as its own error, and the latter as a reply.
func markUnsent(r valkey.ValkeyResult) valkey.ValkeyResult {
	if _, refused := valkey.IsValkeyErr(r.NonValkeyError()); refused {
		return valkey.NewErrorResult(unsent{r.NonValkeyError()})
	}
	return r
}

// repeatable tells whether to send a call again after this error. If the server refused
// it, or was never reached, it was not done; otherwise it may have been.
func repeatable(c call, err error) bool {
	if err == nil {
		return false
	}
	if reply, ok := valkey.IsValkeyErr(err); ok {
		return passing(reply)
	}
	return !c.once || unreached(err)
}

// certain hides that the last try of a call was not done if an earlier one may have been.
func certain(results []valkey.ValkeyResult, inDoubt []bool) []valkey.ValkeyResult {
	for n, r := range results {
		if err := r.Error(); err != nil && !doubtful(err) && inDoubt[n] {
			results[n] = valkey.NewErrorResult(fmt.Errorf("after a try without a reply: %v", err)) // which is wrapped no more
		}
	}
	return results
}

// doubtful tells whether a try with this error may have been done.
func doubtful(err error) bool {
	_, refused := valkey.IsValkeyErr(err)
	return err != nil && !refused && !unreached(err)
}

// moving tells whether a node refused a call since its slot is being moved.
func moving(err error) bool {
	reply, ok := valkey.IsValkeyErr(err)
	return ok && begins(reply, "TRYAGAIN", "ASK")
}

// unreached tells whether the connection could not be made, or no node has the slot.
func unreached(err error) bool {
	if _, is := errors.AsType[unsent](err); is || errors.Is(err, valkey.ErrNoSlot) {
		return true
	}
	network, is := errors.AsType[*net.OpError](err)
	return is && network.Op == "dial"
}

// transient tells whether a refusal is about the state of the cache, and not about the
// call.
func transient(reply *valkey.ValkeyError) bool {
	return passing(reply) || begins(reply, "OOM", "NOAUTH", "WRONGPASS", "NOREPLICAS", "MISCONF") || strings.Contains(reply.Error(), "OOM ")
}

// passing tells whether a refusal comes from a server that is starting, or from a replica
// that is being promoted.
func passing(reply *valkey.ValkeyError) bool {
	return begins(reply, "LOADING", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "READONLY", "BUSY", "MOVED", "ASK")
}

func begins(reply *valkey.ValkeyError, any ...string) bool {
	return slices.ContainsFunc(any, func(prefix string) bool { return strings.HasPrefix(reply.Error(), prefix) })
}
