package nearest

import (
	"testing"

	"pgregory.net/rapid"
)

func TestName(t *testing.T) {
	have := []string{"vip", "filesystem", "process", "IPaddr2", "Filesystem"}
	for want, near := range map[string]string{
		"vpi": "", "vp": "vip", "VIP": "vip", "filesytem": "filesystem", "proces": "process",
		"ipaddr": "IPaddr2", "postgres": "", "": "", "prozess": "process",
	} {
		if got := Name(want, have); got != near {
			t.Errorf("Name(%q) = %q, want %q", want, got, near)
		}
	}
}

// slow is the definition of the distance, word for word.
func slow(a, b string) int {
	switch {
	case a == "":
		return len(b)
	case b == "":
		return len(a)
	case a[0] == b[0]:
		return slow(a[1:], b[1:])
	}
	return 1 + min(slow(a[1:], b), slow(a, b[1:]), slow(a[1:], b[1:]))
}

func TestEditsAgainstDefinition(t *testing.T) {
	word := rapid.StringMatching(`[abc]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		if got, want := edits(a, b), slow(a, b); got != want {
			t.Fatalf("edits(%q, %q) = %d, want %d", a, b, got, want)
		}
	})
}
