package mutation

import (
	"fmt"
	"strings"
)

// A row excuses one break: nothing changes by it that could be missed. It stands for
// all breaks that read alike.
type row struct {
	file, in, code, change string
	reason                 string
}

// nothing is the table of them. It must stay short.
func nothing() []row {
	return nil
}

// excuse notes why there is nothing to miss. A row that excuses nothing has to go.
func excuse(rows []row, breaks []Break, all bool) error {
	for _, r := range rows {
		excused := 0
		for i, b := range breaks {
			if b.File == r.file && b.In == r.in && b.Code == r.code && b.Change == r.change {
				breaks[i].Nothing = r.reason
				excused++
			}
		}
		if excused == 0 && all {
			return fmt.Errorf("test/mutation/nothing.go: there is no %s: %s: %s: %s any more", r.file, r.in, r.code, r.change)
		}
	}
	return nil
}

// of returns the rows of one language.
func of(rows []row, ending string) []row {
	var some []row
	for _, r := range rows {
		if strings.HasSuffix(r.file, ending) {
			some = append(some, r)
		}
	}
	return some
}
