package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Find returns the path of an agent's program. name is "fence_ipmilan", or an
// absolute path; the first file of that name on the search path counts.
func (r Runner) Find(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, executable(name)
	}
	if !plainName(name) {
		return "", fmt.Errorf("fence agent %q: this is not the name of an agent; write for example fence_ipmilan or an absolute path", name)
	}
	for _, dir := range r.Path {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, executable(path)
		}
	}
	return "", fmt.Errorf("fence agent %s: not installed on this node (looked in %s); install the package that has it",
		name, strings.Join(r.Path, ", "))
}

// Installed returns the names of all agents on the search path, sorted.
func (r Runner) Installed() []string {
	var names []string
	for _, dir := range r.Path {
		matches, err := filepath.Glob(filepath.Join(dir, "fence_*"))
		if err != nil {
			continue // the pattern is well-formed unless dir is not; then nothing is there
		}
		for _, m := range matches {
			if executable(m) == nil {
				names = append(names, filepath.Base(m))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("fence agent %s: not installed on this node: %w", path, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("fence agent %s: not a program", path)
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("fence agent %s: not executable; run: chmod +x %s", path, path)
	}
	return nil
}

func plainName(name string) bool {
	ok := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
	}
	return name != "" && name[0] != '.' && name[0] != '-' && strings.IndexFunc(name, func(c rune) bool { return !ok(c) }) < 0
}
