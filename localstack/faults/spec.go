package faults

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Fault is one kind of fault.
type Fault struct {
	Name, Does string
	Default    Chance // with "all"
}

// A Chance says how likely a fault is, if it is a delay how long, and when.
type Chance struct {
	Probability float64
	Time        time.Duration // 0: the fault is no delay
	From, To    time.Duration // since the faults were made; both 0: always
}

func (c Chance) String() string {
	text := strconv.FormatFloat(c.Probability, 'g', -1, 64)
	if c.Time > 0 {
		text += ":" + c.Time.String()
	}
	if c.To > 0 {
		text += "@" + c.From.String() + "-" + c.To.String()
	}
	return text
}

// All returns all kinds of faults.
func All() []Fault {
	return []Fault{
		lostDisconnect: {"lost-disconnect", "$disconnect never comes", Chance{Probability: 0.3}},
		lateDisconnect: {"late-disconnect", "$disconnect comes after the member's next $connect, or after this time", Chance{Probability: 0.3, Time: 2 * time.Second}},
		duplicate:      {"duplicate", "a message is delivered twice, at the same time", Chance{Probability: 0.1}},
		reorder:        {"reorder", "a message waits until the next one of its connection is served, or for this time", Chance{Probability: 0.1, Time: 200 * time.Millisecond}},
		gone:           {"gone", "a push is refused with 410, although the client is connected", Chance{Probability: 0.02}},
		limit:          {"limit", "a push is refused with 429", Chance{Probability: 0.02}},
		lostReply:      {"lost-reply", "the cache runs a command, and its reply is lost", Chance{Probability: 0.02}},
		slowCache:      {"slow-cache", "a trip to the cache takes this much longer", Chance{Probability: 0.1, Time: 100 * time.Millisecond}},
	}
}

// A kind is the index of a fault in All.
type kind int

const (
	lostDisconnect kind = iota
	lateDisconnect
	duplicate
	reorder
	gone
	limit
	lostReply
	slowCache
)

func (k kind) name() string { return All()[k].Name }

const (
	everything  = "all"
	seedWord    = "seed"
	defaultSeed = 1
	// maxTime is below the time after which the gateway stops waiting for a function.
	maxTime = 20 * time.Second
)

// Help explains the syntax that [New] parses, with a line for each fault.
func Help() string {
	var b strings.Builder
	b.WriteString("Faults for -faults, separated by commas: NAME=PROBABILITY or NAME=PROBABILITY:TIME,\n" +
		"and with @FROM-TO, such as limit=1@40s-1m, only in that time after the start\n\n")
	for _, f := range All() {
		fmt.Fprintf(&b, "  %-16s %s\n", f.Name, f.Does)
	}
	fmt.Fprintf(&b, "  %-16s all faults with their defaults: %s\n", everything, list(func(f Fault) string { return f.Name + "=" + f.Default.String() }, ","))
	fmt.Fprintf(&b, "  %-16s seed of the random numbers, by default %d: the same seed gives the same faults\n", seedWord+"=N", defaultSeed)
	fmt.Fprintf(&b, "\nThe last value of a name counts: all,%s=0 is all faults except that one.\n", gone.name())
	return b.String()
}

// list joins a text for each fault; an empty text is left out.
func list(text func(Fault) string, separator string) string {
	var words []string
	for _, f := range All() {
		if word := text(f); word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, separator)
}

// parse parses the syntax of New.
func parse(text string) (seed uint64, chances []Chance, err error) {
	seed, chances = defaultSeed, make([]Chance, len(All()))
	for word := range strings.SplitSeq(text, ",") {
		name, value, hasValue := strings.Cut(strings.TrimSpace(word), "=")
		k := slices.IndexFunc(All(), func(f Fault) bool { return f.Name == name })
		switch {
		case name == everything && !hasValue:
			for k, f := range All() {
				chances[k] = f.Default
			}
		case name == seedWord:
			if seed, err = strconv.ParseUint(value, 10, 64); err != nil {
				return 0, nil, fmt.Errorf("%s must be a whole number from 0 to 2^64-1, not %q", seedWord, value)
			}
		case k < 0:
			names := list(func(f Fault) string { return f.Name }, ", ")
			return 0, nil, fmt.Errorf("there is no fault %q: the faults are %s; or %s, and %s=N", name, names, everything, seedWord)
		default:
			if chances[k], err = parseChance(All()[k], value); err != nil {
				return 0, nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return seed, chances, nil
}

func parseChance(f Fault, text string) (c Chance, err error) {
	text, window, hasWindow := strings.Cut(text, "@")
	if hasWindow {
		from, to, _ := strings.Cut(window, "-")
		var err1, err2 error
		c.From, err1 = time.ParseDuration(from)
		c.To, err2 = time.ParseDuration(to)
		if err1 != nil || err2 != nil || c.From < 0 || c.To <= c.From {
			return c, fmt.Errorf("after @ come two times, the later one second, as in %s=%s@40s-1m, not %q", f.Name, f.Default, window)
		}
	}
	probability, length, hasTime := strings.Cut(text, ":")
	c.Time = f.Default.Time
	c.Probability, err = strconv.ParseFloat(probability, 64)
	if err != nil || !(c.Probability >= 0 && c.Probability <= 1) {
		return c, fmt.Errorf("its probability must be a number from 0 to 1, as in %s=%s, not %q", f.Name, f.Default, probability)
	}
	if !hasTime {
		return c, nil
	}
	if c.Time == 0 {
		return c, fmt.Errorf("it has no time: only %s have one", list(func(f Fault) string {
			if f.Default.Time == 0 {
				return ""
			}
			return f.Name
		}, ", "))
	}
	c.Time, err = time.ParseDuration(length)
	if err != nil || c.Time <= 0 || c.Time > maxTime {
		return c, fmt.Errorf("its time must be above 0 and at most %v, as in %s=%s, not %q", maxTime, f.Name, f.Default, length)
	}
	return c, nil
}
