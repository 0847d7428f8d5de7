package filesystem

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
	"pgregory.net/rapid"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "flags=0 attrs=0"},
		{"defaults,noauto,_netdev,x-systemd.automount,nofail", "flags=0 attrs=0"},
		{"ro,nosuid,nodev", "flags=7 attrs=7 ro"},
		{"ro,rw", "flags=0 attrs=0"},
		{"noatime,sync,data=ordered,acl", "flags=410 attrs=10 super=sync data=data=ordered|acl"},
		{`context="system_u:object_r:x:s0:c1,c2",noexec`, `flags=8 attrs=8 data=context="system_u:object_r:x:s0:c1,c2"`},
		{"bind,ro", "flags=1 attrs=1 ro bind"},
		{"rbind", "flags=0 attrs=0 bind recursive"},
		{"subvol=data", "flags=0 attrs=0 subvolume data=subvol=data"},
		{"remount", "flags=0 attrs=0 refused: remount is an operation and not an option"},
		{" noatime , , size=1m", "flags=400 attrs=10 data=size=1m"},
	} {
		o := parseOptions(c.text)
		got := fmt.Sprintf("flags=%x attrs=%x", o.flags, o.attrs)
		for _, f := range []struct {
			on   bool
			name string
		}{{o.readOnly, "ro"}, {o.bind, "bind"}, {o.recursive, "recursive"}, {o.subvolume, "subvolume"}} {
			if f.on {
				got += " " + f.name
			}
		}
		if o.super != nil {
			got += " super=" + strings.Join(o.super, "|")
		}
		if o.data != nil {
			got += " data=" + strings.Join(o.data, "|")
		}
		if o.refused != "" {
			got += " refused: " + o.refused
		}
		if got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestMagic(t *testing.T) {
	made := func(program string, args ...string) string {
		t.Helper()
		path, err := exec.LookPath(program)
		if err != nil {
			t.Skipf("left out: needs %s", program)
		}
		image := filepath.Join(t.TempDir(), "image")
		os.WriteFile(image, nil, 0o600)
		os.Truncate(image, 4<<20)
		if out, err := exec.Command(path, append(args, image)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", program, err, out)
		}
		found, err := detect(image)
		if err != nil {
			t.Error(err)
		}
		return found
	}
	for _, want := range []string{"ext2", "ext3", "ext4"} {
		if got := made("mkfs."+want, "-q", "-F"); got != want {
			t.Errorf("%s was taken for %q", want, got)
		}
	}
	head := make([]byte, headLength)
	copy(head, "XFSB")
	if got := magic(head); got != "xfs" {
		t.Errorf("xfs was taken for %q", got)
	}
	head = make([]byte, headLength)
	copy(head[0x10040:], "_BHRfS_M")
	if got := magic(head); got != "btrfs" {
		t.Errorf("btrfs was taken for %q", got)
	}
	if got := magic(make([]byte, headLength)); got != "" {
		t.Errorf("nothing was taken for %q", got)
	}
}

func FuzzMagic(f *testing.F) {
	f.Add([]byte("XFSB"))
	f.Add(make([]byte, 0x43a))
	f.Fuzz(func(t *testing.T, head []byte) { magic(head) })
}

// Whatever the order in the kernel's list, children are unmounted before their
// parents, and nothing outside the directory is touched.
func TestUnmountingOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := table{{ID: 1, Parent: 0, Mountpoint: "/"}}
		for id := 2; id < 2+rapid.IntRange(0, 12).Draw(t, "mounts"); id++ {
			parent := all[rapid.IntRange(0, len(all)-1).Draw(t, "parent")]
			name := rapid.SampledFrom([]string{"", "/srv", "/a", "/srv2"}).Draw(t, "name")
			all = append(all, &mountinfo.Info{
				ID: id, Parent: parent.ID, Mountpoint: filepath.Clean(parent.Mountpoint + name),
			})
		}
		shuffled := table(rapid.Permutation(all).Draw(t, "order"))
		order := shuffled.under("/srv")
		place := map[int]int{}
		for i, m := range order {
			if m.Mountpoint != "/srv" && !strings.HasPrefix(m.Mountpoint, "/srv/") {
				t.Fatalf("%s is not below /srv", m.Mountpoint)
			}
			place[m.ID] = i + 1
		}
		for _, m := range order {
			if p := place[m.Parent]; p != 0 && p < place[m.ID] {
				t.Fatalf("mount %d is unmounted before its child %d", m.Parent, m.ID)
			}
		}
		for _, m := range all {
			below := m.Mountpoint == "/srv" || strings.HasPrefix(m.Mountpoint, "/srv/")
			if below && place[m.ID] == 0 {
				t.Fatalf("%s (%d) was forgotten", m.Mountpoint, m.ID)
			}
		}
	})
}
