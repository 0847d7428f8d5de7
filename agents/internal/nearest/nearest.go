// Package nearest finds what someone probably meant by a name that does not exist.
package nearest

import "strings"

// Name gives the one of have that is closest to want, ignoring case, or ""
// if none is close: at most one edit in three letters, and never more than
// three. Of equally close ones the first wins.
func Name(want string, have []string) string {
	best, bestCost := "", min(3, (len(want)+2)/3)+1
	for _, name := range have {
		if cost := edits(strings.ToLower(want), strings.ToLower(name)); cost < bestCost {
			best, bestCost = name, cost
		}
	}
	return best
}

// edits is the Levenshtein distance in bytes, with two rows of the table.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
