package filesystem

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
)

// table is the kernel's list of mounts, oldest first, as this process sees it.
type table []*mountinfo.Info

func readTable() (table, error) {
	return mountinfo.GetMounts(nil)
}

// place finds the real path of a directory. One that is a mount point as
// written is not looked at any closer: that could hang on a dead server.
func (t table) place(dir string) string {
	if t.top(dir) != nil {
		return dir
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	return dir
}

// at are the mounts on a directory; the last one is what is seen there.
func (t table) at(dir string) table {
	var found table
	for _, m := range t {
		if m.Mountpoint == dir {
			found = append(found, m)
		}
	}
	return found
}

// top is the mount that is seen at a directory, or nil.
func (t table) top(dir string) *mountinfo.Info {
	if found := t.at(dir); len(found) > 0 {
		return found[len(found)-1]
	}
	return nil
}

// under are the mounts on a directory and below it, in the order in which they
// can be unmounted: the newest first.
func (t table) under(dir string) table {
	var found table
	for _, m := range t {
		if m.Mountpoint == dir || strings.HasPrefix(m.Mountpoint, dir+"/") {
			found = append(found, m)
		}
	}
	slices.Reverse(found)
	return t.leavesFirst(found)
}

// leavesFirst puts children before parents; the kernel lists a mount that was
// moved where its identifier was first listed.
func (t table) leavesFirst(found table) table {
	var sorted table
	var visit func(m *mountinfo.Info)
	done := map[int]bool{}
	visit = func(m *mountinfo.Info) {
		if done[m.ID] {
			return
		}
		done[m.ID] = true
		for _, child := range found {
			if child.Parent == m.ID && child.ID != m.ID {
				visit(child)
			}
		}
		sorted = append(sorted, m)
	}
	for _, m := range found {
		visit(m)
	}
	return sorted
}

// of are the mounts of a source.
func (t table) of(s source) table {
	var found table
	for _, m := range t {
		if s.is(m) {
			found = append(found, m)
		}
	}
	return found
}

// readOnly says whether a mount or its file system is read-only.
func readOnly(m *mountinfo.Info) bool {
	return slices.Contains(strings.Split(m.Options, ","), "ro") || slices.Contains(strings.Split(m.VFSOptions, ","), "ro")
}
