package faults

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Fault is what can go wrong.
type Fault struct {
	Name, Does string
	Usual      Chance // of "all"
}

// A Chance is how likely a fault is, and for those that take time how long.
type Chance struct {
	Probability float64
	Time        time.Duration // 0: it takes none
}

func (c Chance) String() string {
	text := strconv.FormatFloat(c.Probability, 'g', -1, 64)
	if c.Time > 0 {
		text += ":" + c.Time.String()
	}
	return text
}

// All are the faults that there are.
func All() []Fault {
	return []Fault{
		lostDisconnect: {"lost-disconnect", "$disconnect never comes", Chance{0.3, 0}},
		lateDisconnect: {"late-disconnect", "$disconnect comes after the member's next $connect, or so much later", Chance{0.3, 2 * time.Second}},
		duplicate:      {"duplicate", "a message is delivered twice, at the same time", Chance{0.1, 0}},
		reorder:        {"reorder", "a message is held back until the connection's next is served, or for so long", Chance{0.1, 200 * time.Millisecond}},
		gone:           {"gone", "a push is refused with 410, though the client is there", Chance{0.02, 0}},
		limit:          {"limit", "a push is refused with 429", Chance{0.02, 0}},
		lostReply:      {"lost-reply", "a step is done in the cache, and its reply is lost", Chance{0.02, 0}},
		slowCache:      {"slow-cache", "a trip to the cache takes so much longer", Chance{0.1, 100 * time.Millisecond}},
	}
}

// A kind is the place of a fault among All.
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
	// longest keeps within what a gateway waits for a function.
	longest = 20 * time.Second
)

// Help tells what New takes, with a line for each fault.
func Help() string {
	var b strings.Builder
	b.WriteString("Faults, for -faults, as NAME=PROBABILITY or NAME=PROBABILITY:TIME, with commas between:\n\n")
	for _, f := range All() {
		fmt.Fprintf(&b, "  %-16s %s\n", f.Name, f.Does)
	}
	fmt.Fprintf(&b, "  %-16s all of them: %s\n", everything, list(func(f Fault) string { return f.Name + "=" + f.Usual.String() }, ","))
	fmt.Fprintf(&b, "  %-16s where chance begins, %d unless told otherwise: the same seed, the same faults\n", seedWord+"=N", defaultSeed)
	fmt.Fprintf(&b, "\nOf what is there twice the last counts, so that all,%s=0 is all but that.\n", gone.name())
	return b.String()
}

// list joins what is said of each fault; "" is left out.
func list(say func(Fault) string, between string) string {
	var words []string
	for _, f := range All() {
		if word := say(f); word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, between)
}

// parse reads what New takes.
func parse(text string) (seed uint64, chances []Chance, err error) {
	seed, chances = defaultSeed, make([]Chance, len(All()))
	for word := range strings.SplitSeq(text, ",") {
		name, value, valued := strings.Cut(strings.TrimSpace(word), "=")
		k := slices.IndexFunc(All(), func(f Fault) bool { return f.Name == name })
		switch {
		case name == everything && !valued:
			for k, f := range All() {
				chances[k] = f.Usual
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
	probability, long, timed := strings.Cut(text, ":")
	c.Time = f.Usual.Time
	c.Probability, err = strconv.ParseFloat(probability, 64)
	if err != nil || !(c.Probability >= 0 && c.Probability <= 1) {
		return c, fmt.Errorf("its probability must be a number from 0 to 1, as in %s=%s, not %q", f.Name, f.Usual, probability)
	}
	if !timed {
		return c, nil
	}
	if c.Time == 0 {
		return c, fmt.Errorf("it takes no time: only %s do", list(func(f Fault) string {
			if f.Usual.Time == 0 {
				return ""
			}
			return f.Name
		}, ", "))
	}
	c.Time, err = time.ParseDuration(long)
	if err != nil || c.Time <= 0 || c.Time > longest {
		return c, fmt.Errorf("its time must be above 0 and at most %v, as in %s=%s, not %q", longest, f.Name, f.Usual, long)
	}
	return c, nil
}
