package store

import (
	"context"
	"crypto/sha1"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
)

//go:embed scripts
var sources embed.FS

// Every script works on a member's slot, on a shard cell's or on an area's: its folder says
// which, and so which prelude it has. To add one, put its file there; no list names it.
const (
	onMembers = "member"
	onCells   = "cell"
	onAreas   = "area"
)

// code is all scripts. A cache runs them as functions of a library, so it makes what the
// preludes define once, and not in each run. Until a node has the library, and where a cache has
// no functions, a script is sent as a text. Most processes need neither, so both are made when
// they are first wanted.
type code struct {
	version string                   // a digest of the library, in its name and in those of its functions
	texts   map[string]func() string // by script
	library func() string
}

// function returns the name of a script's function.
func (c code) function(script string) string { return script + "_" + c.version }

// ready is a function that does nothing: a node that has it has the library.
const ready = "ready"

// MemberScript returns the text of a script on a member's slot that has these lines after the
// preludes. It is for tools that read and write records, since only the prelude knows how.
func MemberScript(lines string) string {
	var common, prelude string
	readCode(func(file, text string) string {
		switch file {
		case "common":
			common = text
		case onMembers:
			prelude = text
		}
		return text
	})
	return scriptText(common, prelude, lines)
}

func scriptText(common, prelude, own string) string {
	return lifetimes() + "\n" + common + "\n" + prelude + "\nstart(KEYS, ARGV)\n" + own
}

// readCode reads the files, as rewritten. The library's name has a digest of it, so that the
// functions of two versions of Waggle do not meet.
func readCode(rewrite func(file, text string) string) code {
	read := func(file string) []byte {
		text, err := sources.ReadFile("scripts/" + file + ".lua")
		if err != nil {
			panic(err) // the files are in the binary
		}
		if rewrite != nil {
			return []byte(rewrite(file, string(text)))
		}
		return text
	}
	folders := []string{onMembers, onCells, onAreas}
	names := make([][]string, len(folders))
	c := code{texts: make(map[string]func() string)}
	for i, folder := range folders {
		files, err := sources.ReadDir("scripts/" + folder)
		if err != nil {
			panic(err)
		}
		for _, f := range files {
			name := strings.TrimSuffix(f.Name(), ".lua")
			if c.texts[name] != nil {
				panic("two scripts are called " + name)
			}
			names[i] = append(names[i], name)
			c.texts[name] = sync.OnceValue(func() string {
				return scriptText(string(read("common")), string(read(folder)), string(read(folder+"/"+name)))
			})
		}
	}
	write := func(w io.Writer) {
		fmt.Fprintf(w, "%s\n%s", lifetimes(), read("common"))
		for i, folder := range folders {
			fmt.Fprintf(w, "\ndo\n%s", read(folder))
			for _, name := range names[i] {
				fmt.Fprintf(w, "\nredis.register_function('%s_' .. VERSION, function(keys, args)\nstart(keys, args)\n%s\nend)", name, read(folder+"/"+name))
			}
			fmt.Fprint(w, "\nend")
		}
		fmt.Fprintf(w, "\nredis.register_function{ function_name = '%s_' .. VERSION, flags = { 'no-writes' }, callback = function() return 1 end }", ready)
	}
	digest := sha1.New()
	write(digest)
	c.version = fmt.Sprintf("%x", digest.Sum(nil))[:12]
	c.library = sync.OnceValue(func() string {
		var library strings.Builder
		fmt.Fprintf(&library, "#!lua name=waggle_%s\nlocal VERSION = '%s'\n", c.version, c.version)
		write(&library)
		return library.String()
	})
	return c
}

// mostLoads is how often the library is loaded: a cache that then still does not have it loses it
// each time.
const mostLoads = 100

// loadLibrary loads the library into each node that can be reached. A replica refuses it, and
// gets it from its primary. If no node takes it, or if that never helps, scripts are sent as texts
// from now on.
func (s *Store) loadLibrary(ctx context.Context) {
	client, err := s.connect()
	if err != nil || !s.loading.TryLock() {
		return
	}
	defer s.loading.Unlock()
	taken := false
	s.loads++
	for _, node := range client.Nodes() {
		err := markUnsent(node.Do(ctx, node.B().FunctionLoad().FunctionCode(s.code().library()).Build())).Error()
		taken = taken || !refused(err) || strings.Contains(err.Error(), "already exists")
	}
	if !taken || s.loads == mostLoads {
		s.textsOnly.Store(true)
	}
}

// lifetimes are those of the domain, as the scripts name them.
func lifetimes() string {
	return fmt.Sprintf("local LEASE, KEEP, REMEMBER_END, REMEMBER_OUTCOME, MAX_AHEAD, ASK_AGAIN, SEARCH_AGAIN, COUNT_KEPT, WIDEN_STEPS, EARLY, REFUSALS_IN, KEEP_OUT, REFUSALS, "+
		"KEEP_CHOICE, ADVISED, CLOCK_OFF, NOTIFY_AGAIN, CHECK_MATCH = %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d",
		match.Lease.Milliseconds(), match.Kept.Milliseconds(), match.EndRemembered.Milliseconds(),
		match.OutcomeRemembered.Milliseconds(), match.MaxAhead.Milliseconds(), match.AskAgain.Milliseconds(),
		match.SearchAgain.Milliseconds(), match.CountKept.Milliseconds(), match.WidenSteps, match.Early.Milliseconds(), match.RefusalsIn.Milliseconds(), match.KeptOut.Milliseconds(), match.Refusals,
		match.ChoiceKept.Milliseconds(), match.Advised.Milliseconds(), match.ClockOff.Milliseconds(),
		match.NotifyAgain.Milliseconds(), match.CheckMatch.Milliseconds())
}

var errNotSent = errors.New("the hook did not send the command")

// A call is one run of a script.
type call struct {
	script string
	pool   string
	member match.Member // of a call on a member's slot
	keys   []string
	args   []string // after the clock's offset
	// once: not to be sent again if its reply was lost. A late first try could reopen a
	// search, or end a request, that is another's by then.
	once bool
}

// onMember is a call on a member's slot. Its scripts write events only where they are given the outbox.
func (s *Store) onMember(name string, m match.Member, args ...string) call {
	keys := memberKeys(m)
	if s.events {
		keys = append(keys, outboxKey(m))
	}
	c := s.call(name, m.Pool, keys, args)
	c.member = m
	return c
}

// onCell is a call on a shard cell's slot.
func (s *Store) onCell(name, pool string, c geo.Cell, args ...string) call {
	return s.call(name, pool, cellKeys(pool, c), args)
}

// onArea is a call on the slot of the area that a shard cell belongs to.
func (s *Store) onArea(name, pool string, area geo.Cell, args ...string) call {
	return s.call(name, pool, areaKeys(pool, area), args)
}

func (s *Store) call(name, pool string, keys, args []string) call {
	settings := s.pools.For(pool)
	first := []string{millis(settings.LocationTTL), millis(settings.Grace)}
	return call{script: name, pool: pool, keys: keys, args: append(first, args...)}
}

// trip sends some of the calls. With repeats they were sent before.
func (s *Store) trip(ctx context.Context, calls []call, which []int, results []valkey.ValkeyResult, how delivery, repeats bool) {
	if s.observe == nil {
		s.deliver(ctx, calls, which, results, how)
		return
	}
	began := time.Now()
	s.deliver(ctx, calls, which, results, how)
	t := Trip{Took: time.Since(began), Repeats: repeats, Result: TripOK}
	for _, n := range which {
		if t.Result = resultOf(results[n].Error()); t.Result != TripOK {
			break
		}
	}
	s.observe(ctx, t)
}

func (s *Store) deliver(ctx context.Context, calls []call, which []int, results []valkey.ValkeyResult, how delivery) {
	if s.hook == nil {
		s.send(ctx, calls, which, results, how)
		return
	}
	named := make([]Command, len(which))
	for i, n := range which {
		results[n] = valkey.NewErrorResult(errNotSent)
		named[i] = Command{Script: calls[n].script, Key: tag(calls[n].keys[0]), Args: calls[n].args}
	}
	s.hook(ctx, named, func(ctx context.Context, some ...int) {
		sent := which
		if len(some) > 0 {
			sent = make([]int, len(some))
			for i, n := range some {
				sent[i] = which[n]
			}
		}
		s.send(ctx, calls, sent, results, how)
	})
}

func (s *Store) send(ctx context.Context, calls []call, which []int, results []valkey.ValkeyResult, how delivery) {
	client, err := s.connect()
	if err != nil {
		for _, n := range which {
			results[n] = valkey.NewErrorResult(err)
		}
		return
	}
	if how == viaOtherNode && client.Mode() == valkey.ClientModeCluster {
		s.viaOtherNode(ctx, client, calls, which, results)
		return
	}
	commands := make([]valkey.Completed, len(which))
	for i, n := range which {
		commands[i] = s.command(client, calls[n], how == asFunctions)
	}
	for i, r := range client.DoMulti(ctx, commands...) {
		results[which[i]] = markUnsent(r)
	}
}

// command builds a call anew for each time it is sent: the client recycles it.
func (s *Store) command(client valkey.Client, c call, asFunction bool) valkey.Completed {
	offset := millis(s.offset())
	if asFunction {
		return client.B().Fcall().Function(s.code().function(c.script)).Numkeys(int64(len(c.keys))).Key(c.keys...).Arg(offset).Arg(c.args...).Build()
	}
	return client.B().Eval().Script(s.code().texts[c.script]()).Numkeys(int64(len(c.keys))).Key(c.keys...).Arg(offset).Arg(c.args...).Build()
}

// byFirstKey builds the call that declares only the first of its keys. The script finds the
// others at the end of its arguments.
func (s *Store) byFirstKey(client valkey.Client, c call) valkey.Completed {
	others := len(c.keys) - 1
	text := fmt.Sprintf("local KEYS, ARGV = { KEYS[1], unpack(ARGV, #ARGV - %d) }, { unpack(ARGV, 1, #ARGV - %d) }\n", others-1, others)
	return client.B().Eval().Script(text + s.code().texts[c.script]()).Numkeys(1).Key(c.keys[0]).
		Arg(millis(s.offset())).Arg(c.args...).Arg(c.keys[1:]...).Build()
}

// leftHalfDone is in the error of a script that found one of its keys moved to another node: a
// key that it had deleted itself. What it has done by then stays done.
const leftHalfDone = "access a non local key"

// failure names the script that could not be run. A full cache, one that lets nobody in and one
// that is down look the same to the caller.
func failure(c call, err error) error {
	if reply, ok := valkey.IsValkeyErr(err); ok && transient(reply) || unreached(err) {
		return fmt.Errorf("script %s: %w: %w", c.script, match.ErrNotDone, err)
	} else if ok && !strings.Contains(reply.Error(), leftHalfDone) {
		return fmt.Errorf("script %s: %w", c.script, err)
	}
	return fmt.Errorf("script %s: %w: %w", c.script, match.ErrUnavailable, err)
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
func whole(n int64) string          { return strconv.FormatInt(n, 10) }
func decimal(f float64) string      { return strconv.FormatFloat(f, 'f', -1, 64) }

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// jsonList writes what may hold spaces.
func jsonList(all []string) string {
	text, err := json.Marshal(append([]string{}, all...)) // never null
	if err != nil {
		panic(err) // strings never fail
	}
	return string(text)
}

// words writes tags the way the scripts read them.
func words(tags []string) string { return strings.Join(tags, " ") }
