package mutation

import (
	"fmt"
	"strings"
)

// An equivalent names a mutant that no test can catch, for it changes nothing that a
// test could see. It stands for all mutants with the same texts.
type equivalent struct {
	file, in, code, change string
	reason                 string
}

// equivalents is the table. It must stay short: most mutants that survive want a test.
func equivalents() []equivalent {
	return []equivalent{
		{scriptFolder + "/member.lua", "", "not short_of", "always true", "the table is made anew in each run, with the same names"},
		{scriptFolder + "/member.lua", "", "not (m.trailing or anew) and m.listed == (listable and m.cell or nil)", "always false", "the long way decides the same, and takes longer"},
		{scriptFolder + "/cell.lua", "", "wanted == ''", "always false", "whoever is asked for no tag has them all, and to find that out takes longer"},
		{scriptFolder + "/cell.lua", "", "d2 > widest ^ 2", "always false", "the circle of now decides the same, and takes longer"},
		{scriptFolder + "/member/report.lua", "", "m.skipped", "always true", "without skipped positions the list is empty, and to read it takes longer"},
		{scriptFolder + "/member/report.lua", "", "(math.abs(here_lat - there_lat) + math.abs(here_lng - there_lng)) * DEGREE <= most", "always false", "the distance decides the same, and takes longer"},
	}
}

// markEquivalent sets Mutant.Equivalent by the rows. If all mutants are there, a row
// without a mutant is an error.
func markEquivalent(rows []equivalent, mutants []Mutant, all bool) error {
	for _, row := range rows {
		found := false
		for i, m := range mutants {
			if m.File == row.file && m.In == row.in && m.Code == row.code && m.Change == row.change {
				mutants[i].Equivalent = row.reason
				found = true
			}
		}
		if !found && all {
			return fmt.Errorf("no mutant is %s: %s: %s: %s: delete its row in test/mutation/equivalent.go", row.file, row.in, row.code, row.change)
		}
	}
	return nil
}

// withEnding returns the rows for files with an ending.
func withEnding(rows []equivalent, ending string) []equivalent {
	var some []equivalent
	for _, row := range rows {
		if strings.HasSuffix(row.file, ending) {
			some = append(some, row)
		}
	}
	return some
}
