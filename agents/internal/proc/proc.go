// Package proc reads what the kernel says of processes, in /proc.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Stat is what the kernel says of a process (/proc/PID/stat).
type Stat struct {
	PID     int
	State   byte // R, S, D, T, Z …
	Parent  int
	Group   int    // process group
	Session int    // the pid of the session's leader
	Born    uint64 // clock ticks after boot: with the pid, unique until reboot
}

// Dead says whether the process has ended, whether reaped or not.
func (s Stat) Dead() bool { return s.State == 'Z' || s.State == 'X' || s.State == 'x' }

// Read asks the kernel; errors.Is(err, fs.ErrNotExist) if there is no such process.
func Read(pid int) (Stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		if strings.Contains(err.Error(), "no such process") { // it went while we read
			err = fs.ErrNotExist
		}
		return Stat{}, err
	}
	return parse(text)
}

// parse reads the line. The name, in parentheses, may hold anything,
// parentheses and blanks included; what counts comes after the last one.
func parse(text []byte) (Stat, error) {
	broken := fmt.Errorf("the kernel's record of a process cannot be understood: %q", text)
	head, rest, ok := bytes.Cut(text, []byte(" ("))
	end := bytes.LastIndex(rest, []byte(") "))
	if !ok || end < 0 {
		return Stat{}, broken
	}
	fields := bytes.Fields(rest[end+2:]) // from field 3 of proc_pid_stat(5) on
	if len(fields) < 20 || len(fields[0]) != 1 {
		return Stat{}, broken
	}
	pid, err1 := strconv.Atoi(string(head))
	parent, err2 := strconv.Atoi(string(fields[1]))
	group, err3 := strconv.Atoi(string(fields[2]))
	session, err4 := strconv.Atoi(string(fields[3]))
	born, err5 := strconv.ParseUint(string(fields[19]), 10, 64)
	if errors.Join(err1, err2, err3, err4, err5) != nil {
		return Stat{}, broken
	}
	return Stat{PID: pid, State: fields[0][0], Parent: parent, Group: group, Session: session, Born: born}, nil
}

// All lists the living processes. Those that vanish meanwhile are left out.
func All() ([]Stat, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var all []Stat
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, err := Read(pid); err == nil && !s.Dead() {
			all = append(all, s)
		}
	}
	return all, nil
}

// Variable gives the value of a variable in a process's environment as it was at
// exec; false if it is not there or may not be read.
func Variable(pid int, variable string) (string, bool) {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return "", false
	}
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		if value, ok := bytes.CutPrefix(entry, []byte(variable+"=")); ok {
			return string(value), true
		}
	}
	return "", false
}

// BootID names this boot of the machine; pids and ticks mean nothing beyond it.
var BootID = sync.OnceValues(func() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
})

// SameNamespace says whether a process is in our own pid namespace, rather than
// in a container's. Who may not know it is told no.
func SameNamespace(pid int) bool {
	theirs, err1 := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	ours, err2 := os.Readlink("/proc/self/ns/pid")
	return err1 == nil && err2 == nil && theirs == ours
}
