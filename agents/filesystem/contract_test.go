package filesystem

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/contract"
)

// unmountBehind is what an administrator does who forgot about the cluster.
func unmountBehind(t *testing.T, req agents.Request) {
	t.Helper()
	if err := unix.Unmount(req.Params["directory"], 0); err != nil {
		t.Fatal(err)
	}
}

var badParams = []contract.Bad{
	{Names: "directory", Params: map[string]string{"directory": "srv"}},
	{Names: "directory", Params: map[string]string{"directory": "/"}},
	{Names: "fstype", Params: map[string]string{"fstype": "a/b"}},
	{Names: "kill", Params: map[string]string{"kill": "everyone"}},
	{Names: "create-directory", Params: map[string]string{"create-directory": "perhaps"}},
	{Names: "options", Params: map[string]string{"options": "remount"}},
	{Names: "options", Params: map[string]string{"options": "loop"}},
}

func TestContractTmpfs(t *testing.T) {
	needRoot(t)
	// A helper that never ends stands for a server that never answers.
	cfg := Config{HelperDir: t.TempDir()}
	script := "#!/bin/sh\nsleep 3600\n"
	if err := os.WriteFile(filepath.Join(cfg.HelperDir, "mount.nfs"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	n := 0
	contract.Test(t, contract.Subject{
		Agent: New(cfg),
		New: func(t *testing.T) agents.Request {
			n++
			return request(map[string]string{"device": fmt.Sprintf("scratch%d", n), "directory": t.TempDir(), "fstype": "tmpfs", "options": "size=64k,noatime"})
		},
		Hang: func(t *testing.T) agents.Request {
			return request(map[string]string{"device": "192.0.2.1:/export", "directory": t.TempDir(), "fstype": "nfs"})
		},
		Break: unmountBehind,
		Bad:   badParams,
	})
}

func TestContractBlockDevice(t *testing.T) {
	needRoot(t)
	contract.Test(t, contract.Subject{
		Agent: New(DefaultConfig()),
		New: func(t *testing.T) agents.Request {
			return request(map[string]string{"device": disk(t), "directory": t.TempDir() + "/made", "create-directory": "true"})
		},
		Break: unmountBehind,
		Bad:   badParams,
	})
}

func TestContractBind(t *testing.T) {
	needRoot(t)
	contract.Test(t, contract.Subject{
		Agent: New(DefaultConfig()),
		New: func(t *testing.T) agents.Request {
			return request(map[string]string{"device": t.TempDir(), "directory": t.TempDir(), "options": "bind,ro,nosuid"})
		},
		Break: unmountBehind,
		Bad:   badParams,
	})
}
