package fake

import (
	"os/exec"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// Unit is what the manager knows of a unit file.
type Unit struct {
	Name        string
	Load        string   // LoadState; "" is "loaded"
	LoadError   string   // the text that goes with a bad LoadState
	StartHangs  bool     // a start stays in "activating" until it is cancelled or stopped
	StopHangs   bool     // a stop stays in "deactivating" until released
	StartResult string   // of the job; "" is "done"
	FileState   string   // UnitFileState; "" is "disabled"
	TriggeredBy []string // units that start this one
	WantedBy    []string // units that start this one along with themselves
}

// state is a unit and what it is doing.
type state struct {
	Unit
	active, sub string
	result      string
	code        int32
	status      int32
	pid         int
	process     *exec.Cmd
	job         uint32
	mode        string // of the last job
	invocation  byte   // counts the starts
	changes     uint64 // counts the changes of state
}

// Add makes a unit known, stopped. It panics on a name that was added before.
func (m *Manager) Add(u Unit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, dup := m.units[u.Name]; dup {
		panic("fake systemd: unit " + u.Name + " added twice")
	}
	if u.Load == "" {
		u.Load = "loaded"
	}
	if u.FileState == "" {
		u.FileState = "disabled"
	}
	m.units[u.Name] = &state{Unit: u, active: "inactive", sub: "dead", result: "success"}
}

// PID is the main process of a unit, 0 when it has none.
func (m *Manager) PID(name string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u := m.units[name]; u != nil {
		return u.pid
	}
	return 0
}

// State is a unit's ActiveState.
func (m *Manager) State(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unit(name).active
}

// Await blocks until a unit's ActiveState is as given.
func (m *Manager) Await(name, active string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.unit(name).active != active && !m.closed {
		m.changed.Wait()
	}
}

// Queue makes a job, "start" or "stop", as another client such as systemctl would.
func (m *Manager) Queue(name, kind string) { m.queue(name, kind, "replace") }

// Mode is the mode that the last job of a unit was asked for with.
func (m *Manager) Mode(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unit(name).mode
}

// Release ends the hanging stop of a unit.
func (m *Manager) Release(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.unit(name)
	u.StopHangs = false
	if u.active == "deactivating" {
		m.down(u, "inactive", "dead")
		m.finish(u.job, "done")
	}
}

// unit finds a unit; an unknown name is one that is not installed. m.mu is held.
func (m *Manager) unit(name string) *state {
	u := m.units[name]
	if u == nil {
		u = &state{Unit: Unit{Name: name, Load: "not-found", LoadError: "Unit " + name + " not found."}, active: "inactive", sub: "dead", result: "success"}
		m.units[name] = u
	}
	return u
}

func (u *state) path() godbus.ObjectPath {
	return unitRoot + godbus.ObjectPath(dbus.PathBusEscape(u.Name))
}

func (u *state) isService() bool { return strings.HasSuffix(u.Name, ".service") }

// up starts a unit's process and says that it is active. m.mu is held.
func (m *Manager) up(u *state) error {
	u.result, u.code, u.status = "success", 0, 0
	u.invocation++
	if u.isService() {
		cmd := exec.Command("sleep", "3600")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			return err
		}
		u.process, u.pid = cmd, cmd.Process.Pid
		m.serving.Go(func() { m.reap(u, cmd) })
	}
	m.set(u, "active", "running")
	return nil
}

// reap notices the end of a unit's process.
func (m *Manager) reap(u *state, cmd *exec.Cmd) {
	cmd.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if u.process != cmd {
		return // it was stopped
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	u.result, u.code, u.status = "exit-code", 1, int32(status.ExitStatus())
	if status.Signaled() {
		u.result, u.code, u.status = "signal", 2, int32(status.Signal())
	}
	m.down(u, "failed", "failed")
}

// down takes a unit down. m.mu is held.
func (m *Manager) down(u *state, active, sub string) {
	u.kill()
	m.set(u, active, sub)
}

// kill ends the process without anyone noticing. m.mu is held.
func (u *state) kill() {
	if u.process != nil {
		u.process.Process.Kill()
	}
	u.process, u.pid = nil, 0
}

// set changes the state and tells everybody. m.mu is held.
func (m *Manager) set(u *state, active, sub string) {
	u.active, u.sub = active, sub
	u.changes++
	m.changed.Broadcast()
	m.emit(u.path(), propsIface+".PropertiesChanged", unitIface,
		map[string]godbus.Variant{"ActiveState": godbus.MakeVariant(active), "SubState": godbus.MakeVariant(sub)}, []string{})
	if u.isService() {
		m.emit(u.path(), propsIface+".PropertiesChanged", serviceIface,
			map[string]godbus.Variant{"MainPID": godbus.MakeVariant(uint32(u.pid)), "Result": godbus.MakeVariant(u.result)}, []string{})
	}
}
