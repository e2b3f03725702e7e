package lua

import (
	"fmt"

	"waggle/test/mutation/splice"
)

// Watch defines what Watched calls, on the line that it stands before. It prints
// "guard:7t;" where condition 7 said yes, and "guard:7f;" where it said no.
const Watch = `local function guard(n, says) print('guard:' .. n .. (says and 't' or 'f') .. ';') return says end `

// Watched returns the source with each condition saying what it came to. They are
// numbered from first. Lines stay where they are.
func Watched(source string, conditions []Condition, first int) string {
	text := splice.Text{Source: source}
	for i, c := range conditions {
		text.Wrap(c.asked.from, c.asked.to, fmt.Sprintf("guard(%d, ", first+i), ")")
	}
	return text.String()
}
