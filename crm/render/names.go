package render

import (
	"cmp"
	"slices"
	"strings"
)

// compareNames orders names as people expect: runs of digits count as numbers,
// so node9 comes before node10; case does not matter.
func compareNames(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	for a != "" && b != "" {
		if x, y := digits(a), digits(b); x > 0 && y > 0 {
			if c := compareNumbers(a[:x], b[:y]); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		if c := cmp.Compare(a[0], b[0]); c != 0 {
			return c
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits is the length of the run of digits that s begins with.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// compareNumbers compares two runs of digits of any length; of equal numbers
// the longer text is later.
func compareNumbers(a, b string) int {
	x, y := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y), cmp.Compare(len(a), len(b)))
}

// sortedNames sorts in place and drops repeated names.
func sortedNames(names []string) []string {
	slices.SortFunc(names, compareNames)
	return slices.Compact(names)
}

// baseName drops the instance number: "db:0" is an instance of "db".
func baseName(id string) string {
	base, number, found := cutLast(id, ':')
	if !found || number == "" || digits(number) != len(number) {
		return id
	}
	return base
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
