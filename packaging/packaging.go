// Package packaging holds the files that an installed system needs beside the
// program, so that one static binary can put them in place by itself.
//
//	packaging.Install("/", "/usr/local/bin/crm")   // on the first 'crm cluster init'
//
// A file that the machine has already, from a distribution's package or changed
// by its administrator, is never touched.
package packaging

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// UnitName is the name of the daemon's unit.
const UnitName = "holdfast.service"

// builtProgram is where the unit expects the program, unless it is told
// otherwise.
const builtProgram = "/usr/local/bin/crm"

//go:embed systemd/holdfast.service
var unit string

// Unit is the text of the daemon's unit for a program at a path.
func Unit(program string) string {
	return strings.ReplaceAll(unit, "ExecStart="+builtProgram+" ", "ExecStart="+program+" ")
}

// Install writes the unit below root when no folder of units has it, and lists
// what it wrote. program is what the unit shall run; it must be absolute.
func Install(root, program string) ([]string, error) {
	if !filepath.IsAbs(program) {
		return nil, fmt.Errorf("unit %s: the program %q is no absolute path", UnitName, program)
	}
	for _, dir := range []string{"etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"} {
		_, err := os.Lstat(filepath.Join(root, dir, UnitName))
		if err == nil {
			return nil, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("unit %s: %w", UnitName, err)
		}
	}
	path := filepath.Join(root, "etc/systemd/system", UnitName)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("unit %s: %w", UnitName, err)
	}
	if err := renameio.WriteFile(path, []byte(Unit(program)), 0o644); err != nil {
		return nil, fmt.Errorf("unit %s: %w", UnitName, err)
	}
	return []string{path}, nil
}
