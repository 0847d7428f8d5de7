package proc

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	rest := " S 1 812 700 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 3345 1 2"
	for _, name := range []string{"sh", "a b", "x) R (y", "((", ""} {
		got, err := parse([]byte("812 (" + name + ")" + rest))
		if want := (Stat{PID: 812, State: 'S', Parent: 1, Group: 812, Session: 700, Born: 3345}); err != nil || got != want {
			t.Errorf("name %q: %+v, %v", name, got, err)
		}
	}
	for _, bad := range []string{"", "812", "812 (sh)", "812 (sh) S 1 2", "x (sh)" + rest, "812 (sh) SS" + rest} {
		if got, err := parse([]byte(bad)); err == nil {
			t.Errorf("%q gave %+v", bad, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("812 (x) R (y) S 1 812 700 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 3345 1 2"))
	f.Fuzz(func(t *testing.T, text []byte) { _, _ = parse(text) }) // it must not panic
}

func TestOurselves(t *testing.T) {
	me, err := Read(os.Getpid())
	if err != nil || me.PID != os.Getpid() || me.Dead() || me.Born == 0 {
		t.Fatalf("%+v, %v", me, err)
	}
	all, err := All()
	if err != nil || !slices.ContainsFunc(all, func(s Stat) bool { return s.PID == me.PID && s.Born == me.Born }) {
		t.Errorf("we are not among the %d processes: %v", len(all), err)
	}
	if _, err := Read(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a process that cannot exist: %v", err)
	}
	if path, ok := Variable(os.Getpid(), "PATH"); !ok || path == "" {
		t.Errorf("our PATH is %q, %t", path, ok)
	}
	if _, ok := Variable(os.Getpid(), "NO_SUCH_VARIABLE"); ok {
		t.Error("a variable that nobody set")
	}
}
