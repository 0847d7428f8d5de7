package hosts

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
)

// idPrefix begins the names of what has a name outside: hf-PID-N.
const idPrefix = "hf-"

// newID makes a name that no other lab on this machine has.
func newID() string { return fmt.Sprintf("%s%d-%d", idPrefix, os.Getpid(), labs.Add(1)) }

var labs atomic.Int64 // how many this process has made

// hierarchies are the mounted cgroup file systems: one, or with version 1 one
// for each controller.
func hierarchies() ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(before)
		if kind, _, _ := strings.Cut(after, " "); len(fields) > 4 && (kind == "cgroup" || kind == "cgroup2") && fields[3] == "/" {
			found = append(found, unescape(fields[4]))
		}
	}
	slices.Sort(found)
	return slices.Compact(found), lines.Err()
}

// makeCgroups makes a cgroup in every hierarchy: without them the hosts'
// systemds would share the cgroups of their units.
func makeCgroups(name string) ([]string, error) {
	all, err := hierarchies()
	if err != nil {
		return nil, err
	}
	var made []string
	for _, root := range all {
		dir := filepath.Join(root, name)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return made, err
		}
		made = append(made, dir)
		// A new cpuset has no processors, and takes no process before it has.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			inherited, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, file), inherited, 0); err != nil && strings.HasSuffix(root, "cpuset") {
				return made, err
			}
		}
	}
	return made, nil
}

// removeCgroups removes cgroups with all below them; nothing may run in them.
func removeCgroups(dirs []string) error {
	var errs []error
	for _, top := range dirs {
		var below []string
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				below = append(below, path)
			}
			return nil // what is gone is gone
		})
		errs = append(errs, err)
		for _, dir := range slices.Backward(below) {
			if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
				errs = append(errs, fmt.Errorf("cgroup %s: %w", dir, err))
			}
		}
	}
	return errors.Join(errs...)
}

// sweepCgroups removes what labs of processes that were killed have left.
func sweepCgroups(log hclog.Logger) {
	all, err := hierarchies()
	if err != nil {
		return
	}
	for _, root := range all {
		left, _ := filepath.Glob(filepath.Join(root, idPrefix+"*"))
		for _, dir := range left {
			pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), idPrefix), "-")
			n, err := strconv.Atoi(pid)
			if err != nil || unix.Kill(n, 0) == nil {
				continue
			}
			if err := removeCgroups([]string{dir}); err != nil {
				log.Debug("a cgroup of an earlier run is still in use", "cgroup", dir, "error", err)
			}
		}
	}
}
