package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-ha/holdfast/fencing"
)

// secret reads what stands behind secret("NAME") on this node: a systemd
// credential of that name, or the file secrets/NAME of the state folder. The
// value never enters the replicated state.
func (d *Daemon) secret(name string) (string, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return "", fmt.Errorf("%q is no name of a secret", name)
	}
	var dirs []string
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		dirs = append(dirs, dir)
	}
	dirs = append(dirs, filepath.Join(d.cfg.StateDir, "secrets"))
	for _, dir := range dirs {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			return strings.TrimRight(string(b), "\n"), nil
		}
	}
	return "", fmt.Errorf("this node has no secret %q: put it into %s", name, filepath.Join(d.cfg.StateDir, "secrets", name))
}

// withSecrets replaces references in a fence device's parameters. A missing one
// stays a reference, so that the agent fails with its own words.
func (d *Daemon) withSecrets(dev fencing.Device) fencing.Device {
	params := make(map[string]string, len(dev.Params))
	for k, v := range dev.Params {
		if name, ok := strings.CutPrefix(v, "secret:"); ok {
			if value, err := d.secret(name); err == nil {
				v = value
			} else {
				d.log.Error("fence device", "device", dev.Name, "parameter", k, "error", err)
			}
		}
		params[k] = v
	}
	dev.Params = params
	return dev
}
