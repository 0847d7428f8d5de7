package cli

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal with a crm on it.
type terminal struct {
	t    *testing.T
	file *os.File
	seen string
	more chan string
}

// startOnTerminal runs crm as a person would see it.
func startOnTerminal(t *testing.T, env ...string) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("left out: needs a pseudo terminal (%v)", err)
	}
	master := os.NewFile(uintptr(fd), "ptmx")
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("left out: needs a pseudo terminal (%v)", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Skipf("left out: needs a pseudo terminal (%v)", err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("left out: needs a pseudo terminal (%v)", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{
		Path: self, Args: []string{"crm"}, Stdin: slave, Stdout: slave, Stderr: slave, Env: append(os.Environ(), env...),
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Setctty: true},
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended if the test went well
		_ = cmd.Wait()
	})
	term := &terminal{t: t, file: master, more: make(chan string, 100)}
	go term.read()
	return term
}

func (x *terminal) read() {
	buffer := make([]byte, 4096)
	for {
		n, err := x.file.Read(buffer)
		if err != nil {
			close(x.more)
			return
		}
		x.more <- string(buffer[:n])
	}
}

func (x *terminal) send(keys string) {
	x.t.Helper()
	if _, err := x.file.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// expect reads on until a text was shown, and forgets what came before it.
func (x *terminal) expect(text string) {
	x.t.Helper()
	limit := time.After(10 * time.Second)
	for {
		if _, after, ok := strings.Cut(x.seen, text); ok {
			x.seen = after
			return
		}
		select {
		case s, ok := <-x.more:
			if !ok {
				x.t.Fatalf("the shell ended before it showed %q; it showed %q", text, x.seen)
			}
			x.seen += s
		case <-limit:
			x.t.Fatalf("%q was not shown; it showed %q", text, x.seen)
		}
	}
}

func TestShellOnATerminal(t *testing.T) {
	dir := t.TempDir()
	x := startOnTerminal(t, "TERM=xterm", "NO_COLOR=1", "HOLDFAST_SOCKET="+dir+"/none.sock", "XDG_STATE_HOME="+dir)
	x.expect("crm(offline)# ")
	x.send("resource\r")
	x.expect("crm(offline)resource# ")
	x.send("st\t\t") // the second TAB lists what is possible
	x.expect("start")
	x.expect("stop")
	x.send("\x03") // Ctrl-C leaves the line, not the shell
	x.expect("crm(offline)resource# ")
	x.send("sta web\r")
	x.expect(`"sta" can be start, status`)
	x.send("stop web\r")
	x.expect("no cluster runs on this machine")
	x.send("cd ../node\r")
	x.expect("crm(offline)node# ")
	x.send("help standby\r")
	x.expect("--until-reboot")
	x.expect("crm(offline)node# ")
	x.send("\x04") // Ctrl-D leaves
	for range x.more {
	}
	history, err := os.ReadFile(dir + "/holdfast/history")
	if err != nil || !strings.Contains(string(history), "cd ../node\n") {
		t.Errorf("history %q, %v", history, err)
	}
}
