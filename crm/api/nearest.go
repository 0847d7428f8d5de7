package api

// Nearest is the known name that somebody most likely meant, or "".
func Nearest(given string, known []string) string {
	best, limit := "", max(1, len(given)/3)+1
	for _, name := range known {
		if d := distance(given, name); d < limit {
			best, limit = name, d
		}
	}
	return best
}

// distance is how many characters must be changed, added or removed.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			next := diagonal
			if x[i] != y[j] {
				next++
			}
			diagonal = row[j+1]
			row[j+1] = min(next, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(y)]
}
