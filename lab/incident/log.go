package incident

import (
	"bufio"
	"cmp"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Line stands for all lines of the log that say the same.
type Line struct {
	Text        string
	Err         string // of the first
	Times       int
	First, Last float64 // seconds after the stack's start
}

// pair is one attribute in the text format of slog.
var pair = regexp.MustCompile(`(\w+)=("(?:[^"\\]|\\.)*"|\S*)`)

// kept are the attributes that say what a line is about.
var kept = []string{"level", "msg", "action", "outcome"}

// ReadLog reads the log of a stack: each kind of line, in the order in which they began.
func ReadLog(log io.Reader, started time.Time) ([]Line, error) {
	kinds := make(map[string]*Line)
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := make(map[string]string)
		for _, found := range pair.FindAllStringSubmatch(lines.Text(), -1) {
			fields[found[1]] = found[2]
			if plain, err := strconv.Unquote(found[2]); err == nil {
				fields[found[1]] = plain
			}
		}
		at, err := time.Parse(time.RFC3339, fields["time"])
		if err != nil {
			continue // it is no line of the log
		}
		var words []string
		for _, name := range kept {
			if fields[name] != "" {
				words = append(words, name+"="+fields[name])
			}
		}
		text, after := strings.Join(words, " "), at.Sub(started).Seconds()
		if kinds[text] == nil {
			kinds[text] = &Line{Text: text, Err: fields["err"], First: after}
		}
		kinds[text].Times++
		kinds[text].Last = after
	}
	all := make([]Line, 0, len(kinds))
	for _, l := range kinds {
		all = append(all, *l)
	}
	slices.SortFunc(all, func(a, b Line) int { return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Text, b.Text)) })
	return all, lines.Err()
}
