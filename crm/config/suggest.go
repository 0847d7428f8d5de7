package config

import (
	"fmt"
	"slices"
	"strings"
)

// longestName bounds the work of one comparison.
const longestName = 64

// suggest finds the known name that someone most likely meant, or "". It
// allows a third of the letters to be wrong, and ignores case.
func suggest(given string, known []string) string {
	if given == "" || len(given) > longestName {
		return ""
	}
	best, bestAt := "", max(1, len(given)/3)+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if len(k) > longestName {
			continue
		}
		if d := distance(strings.ToLower(given), strings.ToLower(k)); d < bestAt {
			best, bestAt = k, d
		}
	}
	return best
}

// didYouMean is the sentence of a suggestion with its leading blank, or "".
func didYouMean(given string, known []string) string {
	if s := suggest(given, known); s != "" {
		return fmt.Sprintf(" Did you mean %q?", s)
	}
	return ""
}

// distance counts the letters to insert, delete, change, or swap with their
// neighbour, to make one word of the other.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := last[j-1]
			if x[i-1] != y[j-1] {
				change++
			}
			row[j] = min(last[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}

// listed writes names as "a, b, c", cut when there are many.
func listed(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
