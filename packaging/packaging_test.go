package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestInstallWritesTheUnitOnceAndTouchesNoOther(t *testing.T) {
	root := t.TempDir()
	wrote, err := Install(root, "/opt/crm")
	path := filepath.Join(root, "etc/systemd/system", UnitName)
	if err != nil || len(wrote) != 1 || wrote[0] != path {
		t.Fatalf("wrote %v, %v", wrote, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "\nExecStart=/opt/crm agent\n") {
		t.Fatalf("got %s, %v", text, err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if wrote, err := Install(root, "/opt/crm"); err != nil || wrote != nil {
		t.Errorf("wrote %v over an administrator's unit, %v", wrote, err)
	}
	other := t.TempDir()
	dir := filepath.Join(other, "usr/lib/systemd/system")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, UnitName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if wrote, err := Install(other, "/opt/crm"); err != nil || wrote != nil {
		t.Errorf("wrote %v beside a package's unit, %v", wrote, err)
	}
	if _, err := Install(root, "crm"); err == nil {
		t.Error("a relative program was taken")
	}
}

// What the daemon relies on must not get lost in an edit.
func TestTheUnitKeepsItsPromises(t *testing.T) {
	text := Unit("/usr/local/bin/crm")
	for line, why := range map[string]string{
		"Type=notify":                  "others wait until this node has a view of the cluster",
		"KillMode=process":             "resources outlive the daemon",
		"RuntimeDirectoryPreserve=yes": "a restart must be told from a reboot",
		"WatchdogSec=30s":              "a daemon that hangs is replaced",
		"RestartMode=direct":           "a restart is no stop for the units that wait for this one",
		"TimeoutStopSec=330s":          "a stop may take the drain limit",
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("the unit lacks %s: %s", line, why)
		}
	}
}

func TestSystemdUnderstandsTheUnit(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("left out: needs systemd-analyze")
	}
	path := filepath.Join(t.TempDir(), UnitName)
	if err := os.WriteFile(path, []byte(Unit("/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), verify, "verify", "--man=no", path).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		older := strings.Contains(line, "Unknown key 'RestartMode'") // systemd before 254 does without
		if strings.Contains(line, UnitName) && !older {
			t.Errorf("%s", line)
		}
	}
	if err != nil && len(out) == 0 {
		t.Skipf("left out: systemd-analyze does not work here (%v)", err)
	}
}
