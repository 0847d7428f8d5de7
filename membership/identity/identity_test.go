package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var someDay = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func create(t testing.TB, cluster, node string) *Identity {
	t.Helper()
	id, err := Create(cluster, node, someDay)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSavedIdentityLoadsAgain(t *testing.T) {
	dir := t.TempDir()
	id := create(t, "prod", "n1")
	if err := id.Save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.CertHash(), id.CertHash()) || !reflect.DeepEqual(got.LinkKey(), id.LinkKey()) ||
		got.String() != id.String() || !got.CanAdmit() || !got.NotAfter().Equal(id.NotAfter()) {
		t.Errorf("got %v, saved %v", got, id)
	}
	entries, err := os.ReadDir(filepath.Join(dir, folderName))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o", e.Name(), info.Mode().Perm())
		}
	}
}

func TestLoadWithoutIdentitySaysWhatToDo(t *testing.T) {
	_, err := Load(t.TempDir())
	if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "crm cluster join") {
		t.Errorf("got %v", err)
	}
}

// Each kind of damage gives an error that names the file or the folder.
func TestLoadNamesTheDamagedFile(t *testing.T) {
	other := create(t, "prod", "n1")
	otherDir := t.TempDir()
	if err := other.Save(otherDir); err != nil {
		t.Fatal(err)
	}
	foreign := func(name string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			data, err := os.ReadFile(filepath.Join(otherDir, folderName, name))
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, data)
		}
	}
	tests := []struct {
		name, file string
		damage     func(*testing.T, string)
		want       string
	}{
		{"authority missing", authorityFile, remove, authorityFile},
		{"node missing", nodeFile, remove, nodeFile},
		{"link missing", linkFile, remove, linkFile},
		{"cluster empty", clusterFile, empty, "cluster.json is damaged"},
		{"authority empty", authorityFile, empty, "ca.pem is damaged: no PEM"},
		{"node empty", nodeFile, empty, "node.pem is damaged"},
		{"link empty", linkFile, empty, "link.pem is damaged"},
		{"node key cut", nodeFile, cut, "node.pem is damaged"},
		{"node readable by others", nodeFile, loosen, "run chmod 600"},
		{"huge", linkFile, bloat, "too many"},
		{"authority of another cluster", authorityFile, foreign(authorityFile), "not signed by the cluster authority"},
		{"node of another cluster", nodeFile, foreign(nodeFile), "not signed by the cluster authority"},
		{"cluster record of another cluster", clusterFile, foreign(clusterFile), "the certificate is for node n1 of cluster"},
		{"link file holds a node key", linkFile, foreign(nodeFile), "link.pem is damaged: key is a ed25519.PrivateKey, not X25519"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := create(t, "prod", "n1").Save(dir); err != nil {
				t.Fatal(err)
			}
			test.damage(t, filepath.Join(dir, folderName, test.file))
			_, err := Load(dir)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
func empty(t *testing.T, path string) { write(t, path, nil) }
func bloat(t *testing.T, path string) { write(t, path, make([]byte, maxFile+1)) }
func loosen(t *testing.T, path string) {
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, data[:len(data)-40])
}

func TestRemoveLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := create(t, "prod", "n1").Save(dir); err != nil {
		t.Fatal(err)
	}
	if err := Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, folderName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("folder: %v", err)
	}
	if err := Remove(dir); err != nil {
		t.Errorf("removing nothing: %v", err)
	}
}

func TestRenewKeepsTheRosterEntry(t *testing.T) {
	id := create(t, "prod", "n1")
	renewed, err := id.Renew(someDay.AddDate(9, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(renewed.CertHash(), id.CertHash()) {
		t.Error("the certificate hash changed")
	}
	if want := someDay.AddDate(18, 0, 0); renewed.NotAfter().Before(want) {
		t.Errorf("expires %v, want after %v", renewed.NotAfter(), want)
	}
	if err := renewed.check(); err != nil {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	for _, bad := range []string{"", "-a", "a-", "a b", "a/b", "ä", "a\n", ".", strings.Repeat("a", 65)} {
		if _, err := Create("prod", bad, someDay); err == nil {
			t.Errorf("node name %q was taken", bad)
		}
		if _, err := Create(bad, "n1", someDay); err == nil {
			t.Errorf("cluster name %q was taken", bad)
		}
	}
	for _, good := range []string{"a", "n1", "web-01.example.org", "A_b", strings.Repeat("a", 64)} {
		if err := create(t, good, good).check(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// No way of printing shows a key.
func TestKeysDoNotPrint(t *testing.T) {
	id := create(t, "prod", "n1")
	secret := fmt.Sprintf("%x", []byte(id.nodeKey.Seed()))
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		text := fmt.Sprintf(format, id)
		if text != id.String() || strings.Contains(text, secret) {
			t.Errorf("%s prints %s", format, text)
		}
	}
}
