package membership

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Life numbers one start of the daemon. Both numbers only grow and are on disk
// before the first packet leaves, so no two lives share a pair.
type Life struct {
	Boot        uint64 // number of the host's boot, as we count it
	Incarnation uint64 // number of the daemon's start
}

// lives is the file that counts them.
type lives struct {
	Life
	BootID string // the kernel's id of that boot, "" where there is none
}

const bootIDFile = "/proc/sys/kernel/random/boot_id"

// CountStart counts one more start of the daemon, for those who need the
// numbers before Open: a transport states them in its packets. Hand the result
// to Open in Config.Life, or the start is counted twice.
func CountStart(dir, runDir string) (Life, error) {
	return nextLife(dir, runDir, kernelBootID())
}

// nextLife counts one more start of the daemon. It is a new boot, too, if the
// run-time folder has no mark of the last one or the kernel has another id.
func nextLife(dir, runDir, bootID string) (Life, error) {
	var l lives
	file := filepath.Join(dir, "lives.json")
	if err := readJSON(file, &l); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return l.Life, err
	}
	mark := filepath.Join(runDir, "boot")
	marked, err := os.ReadFile(mark)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return l.Life, fmt.Errorf("boot mark: %w", err)
	}
	if l.Boot == 0 || l.BootID != bootID || strings.TrimSpace(string(marked)) != fmt.Sprint(l.Boot) {
		l.Boot++
		l.BootID = bootID
	}
	l.Incarnation++
	if err := writeJSON(file, l); err != nil {
		return l.Life, fmt.Errorf("count this start: %w", err)
	}
	// The mark comes last: a crash in between counts one boot too many, which
	// is safe, and never one too few.
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return l.Life, fmt.Errorf("boot mark: %w", err)
	}
	if err := os.WriteFile(mark, fmt.Appendln(nil, l.Boot), 0o644); err != nil {
		return l.Life, fmt.Errorf("boot mark: %w", err)
	}
	return l.Life, nil
}

// kernelBootID returns the kernel's id of this boot, "" where there is none.
func kernelBootID() string {
	b, err := os.ReadFile(bootIDFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
