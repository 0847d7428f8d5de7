package process

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/holdfast-ha/holdfast/agents/internal/proc"
)

// found is the truth about a resource's processes.
type found struct {
	pidfile string
	main    identity // of the main process, alive or not; pid 0: unknown
	alive   bool     // whether the main process lives
	state   byte     // of the main process, if it lives
	left    []int    // the other living processes of its session, sorted
}

func (f found) nothing() bool { return !f.alive && len(f.left) == 0 }

// all is every process to be ended, the main one first.
func (f found) all() []int {
	if f.alive {
		return append([]int{f.main.pid}, f.left...)
	}
	return f.left
}

// look finds the resource's main process by its pid file, else by its mark.
// Only when that is gone, or when children is set, are its children looked for,
// which takes a walk through all processes.
func look(pidfile string, children bool) (found, error) {
	boot, err := proc.BootID()
	if err != nil {
		return found{}, fmt.Errorf("learn this boot's id: %w", err)
	}
	f := found{pidfile: pidfile}
	f.main, err = readRecord(pidfile)
	if err != nil && !errors.Is(err, errNoRecord) {
		return found{}, fmt.Errorf("read the pid file: %w", err)
	}
	if f.main.boot != boot {
		f.main = identity{} // of another life
	}
	if f.main.pid != 0 {
		s, err := proc.Read(f.main.pid)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return found{}, fmt.Errorf("look at process %d: %w", f.main.pid, err)
		}
		f.alive, f.state = err == nil && s.Born == f.main.born && !s.Dead(), s.State
		if f.alive && !children {
			return f, nil
		}
	}
	all, err := proc.All()
	if err != nil {
		return found{}, fmt.Errorf("list the processes: %w", err)
	}
	if f.main.pid == 0 {
		f.findMain(all, boot)
	}
	for _, s := range all {
		if s.PID != f.main.pid && f.owns(s) {
			f.left = append(f.left, s.PID)
		}
	}
	slices.Sort(f.left)
	return f, nil
}

// findMain looks, for want of a record, for the oldest leader of a session
// that bears our mark: children that made a session of their own are younger.
func (f *found) findMain(all []proc.Stat, boot string) {
	for _, s := range all {
		if s.PID == s.Session && f.marked(s.PID) && (!f.alive || s.Born < f.main.born) {
			f.main, f.alive, f.state = identity{pid: s.PID, born: s.Born, boot: boot}, true, s.State
		}
	}
}

// marked says whether a process bears our mark, and is not one of a container
// whose own daemon happens to use the same path.
func (f *found) marked(pid int) bool {
	file, ok := proc.Variable(pid, markVariable)
	return ok && file == f.pidfile && proc.SameNamespace(pid)
}

// owns says whether a process belongs to the resource: it is in the main
// process's session, not older, and bears no other mark; or, when there is no
// record of a main process, it bears our mark and its own leader is gone.
//
// The kernel does not use a number again while it still names a session, so
// membership alone is nearly proof. The marks are for the rest, and are not
// asked for alone because programs overwrite their environment.
func (f *found) owns(s proc.Stat) bool {
	if f.main.pid == 0 {
		if !f.marked(s.PID) {
			return false
		}
		_, err := proc.Read(s.Session)
		return errors.Is(err, fs.ErrNotExist)
	}
	if s.Session != f.main.pid || s.Born < f.main.born {
		return false
	}
	file, ok := proc.Variable(s.PID, markVariable)
	return !ok || file == f.pidfile
}
