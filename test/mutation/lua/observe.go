package lua

import (
	"fmt"

	"waggle/test/mutation/edit"
)

// Observer defines the function that Observed calls, on one line. It prints "mutant:7t;"
// when condition 7 is true, and "mutant:7f;" when it is false.
const Observer = `local function observe(n, value) print('mutant:' .. n .. (value and 't' or 'f') .. ';') return value end `

// Observed returns the source with every condition printing its value. The conditions
// are numbered from first. Every line keeps its number.
func Observed(source string, conditions []Condition, first int) string {
	text := edit.Text{Source: source}
	for i, c := range conditions {
		text.Wrap(c.observed.from, c.observed.to, fmt.Sprintf("observe(%d, ", first+i), ")")
	}
	return text.String()
}
