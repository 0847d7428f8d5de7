package filesystem

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// holder is a process that keeps a mount busy.
type holder struct {
	pid    int
	name   string
	how    string // "current directory", "open file /srv/x", "maps /srv/lib.so"
	spared string // why it is not signalled, or ""
}

func (h holder) String() string {
	s := fmt.Sprintf("%s (process %d: %s", h.name, h.pid, h.how)
	if h.spared != "" {
		s += "; not ended: " + h.spared
	}
	return s + ")"
}

// list names holders, not too many of them.
func list(all []holder) string {
	const most = 5
	var text []string
	for i, h := range all {
		if i == most {
			text = append(text, fmt.Sprintf("and %d more", len(all)-most))
			break
		}
		text = append(text, h.String())
	}
	return strings.Join(text, ", ")
}

// search looks for users of some mounts. It goes by the identifiers of the
// mounts: another mount of the same device, or a path that only looks alike,
// is none of our business.
type search struct {
	ids     map[uint64]bool
	sockets map[uint64]string // inodes of unix sockets bound below the mounts, and their paths
}

func newSearch(mounts table, dir string) search {
	s := search{ids: map[uint64]bool{}, sockets: boundSockets(dir)}
	for _, m := range mounts {
		s.ids[uint64(m.ID)] = true
	}
	return s
}

// holders finds all processes that hold the mounts.
func (u *unmounting) holders(mounts table) []holder {
	s := newSearch(mounts, u.dir)
	spared := sparedProcesses()
	var all []holder
	for _, pid := range processes() {
		if how := s.uses(pid); how != "" {
			all = append(all, holder{pid: pid, name: processName(pid), how: how, spared: spared(pid)})
		}
	}
	return all
}

// uses says how a process holds one of the mounts, or "".
func (s search) uses(pid int) string {
	for _, l := range []struct{ link, how string }{
		{"cwd", "current directory"}, {"root", "root directory"}, {"exe", "program"},
	} {
		if path := proc(pid, l.link); s.onMount(path) {
			return l.how + " " + target(path)
		}
	}
	if how := s.among(proc(pid, "fd"), "open file "); how != "" {
		return how
	}
	return s.among(proc(pid, "map_files"), "maps ")
}

// among looks through a directory of links.
func (s search) among(dir, how string) string {
	f, err := os.Open(dir)
	if err != nil {
		return ""
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	for _, name := range names {
		path := dir + "/" + name
		st, ok := look(path)
		if !ok {
			continue
		}
		if s.ids[st.Mnt_id] {
			return how + target(path)
		}
		if bound := s.sockets[st.Ino]; bound != "" && st.Mode&unix.S_IFMT == unix.S_IFSOCK {
			return "socket " + bound
		}
	}
	return ""
}

func (s search) onMount(link string) bool {
	st, ok := look(link)
	return ok && s.ids[st.Mnt_id]
}

// look asks for the mount that a link of /proc leads to, without talking to a
// server or a disk that may be dead.
func look(link string) (unix.Statx_t, bool) {
	var st unix.Statx_t
	flags := unix.AT_STATX_DONT_SYNC | unix.AT_NO_AUTOMOUNT
	err := unix.Statx(unix.AT_FDCWD, link, flags, unix.STATX_MNT_ID|unix.STATX_INO|unix.STATX_TYPE, &st)
	return st, err == nil && st.Mask&unix.STATX_MNT_ID != 0
}

func target(link string) string {
	path, err := os.Readlink(link)
	if err != nil {
		return "?"
	}
	return path
}

// boundSockets are the unix sockets whose names are below a directory: they
// hold it although their descriptors do not show it.
func boundSockets(dir string) map[uint64]string {
	f, err := os.Open("/proc/net/unix")
	if err != nil {
		return nil
	}
	defer f.Close()
	found := map[uint64]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) < 8 || !strings.HasPrefix(fields[7], dir+"/") {
			continue
		}
		if inode, err := strconv.ParseUint(fields[6], 10, 64); err == nil {
			found[inode] = fields[7]
		}
	}
	return found
}

// sparedProcesses says which processes are never signalled, and why.
func sparedProcesses() func(pid int) string {
	why := map[int]string{}
	for pid := os.Getppid(); pid > 1; {
		why[pid] = "it started this daemon"
		parent, _, ok := kin(pid)
		if !ok {
			break
		}
		pid = parent
	}
	why[1] = "it is the system's first process"
	why[os.Getpid()] = "it is this daemon itself"
	ours := unix.Getpgrp()
	return func(pid int) string {
		if text := why[pid]; text != "" {
			return text
		}
		if _, group, ok := kin(pid); ok && group == ours {
			return "it belongs to this daemon"
		}
		return ""
	}
}

// kin reads a process's parent and process group.
func kin(pid int) (parent, group int, ok bool) {
	stat, err := os.ReadFile(proc(pid, "stat"))
	if err != nil {
		return 0, 0, false
	}
	// "812 (any name) S 1 812 …"
	_, rest, found := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 3 {
		return 0, 0, false
	}
	parent, err1 := strconv.Atoi(fields[1])
	group, err2 := strconv.Atoi(fields[2])
	return parent, group, err1 == nil && err2 == nil
}

// signal sends a signal to a holder, if it still is one: the pidfd makes sure
// that it is the same process that is looked at and signalled.
func (u *unmounting) signal(h holder, mounts table, sig unix.Signal) bool {
	fd, err := unix.PidfdOpen(h.pid, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if newSearch(mounts, u.dir).uses(h.pid) == "" {
		return false
	}
	return unix.PidfdSendSignal(fd, sig, nil, 0) == nil
}

// inKernel names users of a mount that are no processes.
func inKernel(dir string) string {
	var users []string
	if swaps, err := os.ReadFile("/proc/swaps"); err == nil {
		for line := range strings.Lines(string(swaps)) {
			if strings.HasPrefix(line, dir+"/") {
				users = append(users, "swap file "+strings.Fields(line)[0])
			}
		}
	}
	loops, _ := os.ReadDir("/sys/block")
	for _, l := range loops {
		file, err := os.ReadFile("/sys/block/" + l.Name() + "/loop/backing_file")
		if err == nil && strings.HasPrefix(string(file), dir+"/") {
			users = append(users, "/dev/"+l.Name()+" on "+strings.TrimSpace(string(file)))
		}
	}
	if len(users) == 0 {
		return "an NFS export, a mount in another namespace or the like"
	}
	return strings.Join(users, ", ")
}
