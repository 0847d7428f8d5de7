package fake

import (
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"
)

const (
	root         = dbus.ObjectPath("/org/freedesktop/systemd1")
	unitRoot     = root + "/unit/"
	jobRoot      = root + "/job/"
	managerIface = "org.freedesktop.systemd1.Manager"
	unitIface    = "org.freedesktop.systemd1.Unit"
	serviceIface = "org.freedesktop.systemd1.Service"
	jobIface     = "org.freedesktop.systemd1.Job"
	propsIface   = "org.freedesktop.DBus.Properties"
)

// job is a queued start, stop or reload.
type job struct {
	id   uint32
	unit *state
	kind string
}

func (j *job) path() dbus.ObjectPath { return dbus.ObjectPath(fmt.Sprintf("%s%d", jobRoot, j.id)) }

// jobRef is how a unit names its job on the bus.
type jobRef struct {
	ID   uint32
	Path dbus.ObjectPath
}

// loadError is the pair of a D-Bus error name and its text.
type loadError struct{ Name, Text string }

// export puts the objects on one connection.
func (m *Manager) export(c *dbus.Conn) error {
	manager := map[string]any{
		"LoadUnit":   m.loadUnit,
		"StartUnit":  func(name, mode string) (dbus.ObjectPath, *dbus.Error) { return m.queue(name, "start", mode) },
		"StopUnit":   func(name, mode string) (dbus.ObjectPath, *dbus.Error) { return m.queue(name, "stop", mode) },
		"ReloadUnit": func(name, mode string) (dbus.ObjectPath, *dbus.Error) { return m.queue(name, "reload", mode) },
		"Reload":     m.reload,
		"Subscribe":  func() *dbus.Error { return nil },
	}
	if err := c.ExportMethodTable(manager, root, managerIface); err != nil {
		return err
	}
	if err := c.ExportSubtreeMethodTable(map[string]any{"Get": m.get}, root, propsIface); err != nil {
		return err
	}
	return c.ExportSubtreeMethodTable(map[string]any{"Cancel": m.cancel}, root, jobIface)
}

func (m *Manager) loadUnit(name string) (dbus.ObjectPath, *dbus.Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unit(name).path(), nil
}

func (m *Manager) reload() *dbus.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reloads++
	return nil
}

// queue makes a job and does at once what does not hang. It replaces the job
// that the unit has.
func (m *Manager) queue(name, kind, mode string) (dbus.ObjectPath, *dbus.Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.unit(name)
	if u.Load == "not-found" && kind != "stop" {
		return "", dbus.NewError("org.freedesktop.systemd1.NoSuchUnit", []any{u.LoadError})
	}
	m.finish(u.job, "canceled")
	m.lastJob++
	j := &job{id: m.lastJob, unit: u, kind: kind}
	m.jobs[j.id], u.job, u.mode = j, j.id, mode
	m.work(j)
	return j.path(), nil
}

// work carries a job out. m.mu is held.
func (m *Manager) work(j *job) {
	u := j.unit
	result := "done"
	switch j.kind {
	case "start":
		if u.StartHangs {
			m.set(u, "activating", "start")
			return
		}
		if result = u.StartResult; result == "" {
			result = "done"
		}
		if result == "done" && u.active != "active" {
			if err := m.up(u); err != nil {
				result = "failed"
			}
		} else if result == "failed" {
			u.result, u.code, u.status = "exit-code", 1, 3
			m.down(u, "failed", "failed")
		}
	case "stop":
		if u.StopHangs && (u.active == "active" || u.active == "deactivating") {
			m.set(u, "deactivating", "stop-sigterm")
			return
		}
		m.down(u, "inactive", "dead")
	}
	m.finish(j.id, result)
}

// finish ends a job and tells everybody. m.mu is held.
func (m *Manager) finish(id uint32, result string) {
	j := m.jobs[id]
	if j == nil {
		return
	}
	delete(m.jobs, id)
	if j.unit.job == id {
		j.unit.job = 0
	}
	m.emit(root, managerIface+".JobRemoved", id, j.path(), j.unit.Name, result)
}

// cancel ends a job; the unit stays as it is.
func (m *Manager) cancel(msg dbus.Message) *dbus.Error {
	path, _ := msg.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range m.jobs {
		if j.path() == path {
			m.finish(j.id, "canceled")
			return nil
		}
	}
	return dbus.NewError("org.freedesktop.DBus.Error.UnknownObject", []any{"no such job"})
}

// get reads a property of a unit.
func (m *Manager) get(msg dbus.Message, _, name string) (dbus.Variant, *dbus.Error) {
	path, _ := msg.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range m.units {
		if u.path() == path {
			if v, ok := m.property(u, name); ok {
				return dbus.MakeVariant(v), nil
			}
			return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", []any{name})
		}
	}
	return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownObject", []any{string(path)})
}

func (m *Manager) property(u *state, name string) (any, bool) {
	switch name {
	case "Id":
		return u.Name, true
	case "Description":
		return "Fake " + strings.TrimSuffix(u.Name, ".service"), true
	case "LoadState":
		return u.Load, true
	case "LoadError":
		return loadError{Text: u.LoadError}, true
	case "ActiveState":
		return u.active, true
	case "SubState":
		return u.sub, true
	case "StateChangeTimestampMonotonic":
		return u.changes, true
	case "InvocationID":
		return []byte{u.invocation}, true
	case "UnitFileState":
		return u.FileState, true
	case "TriggeredBy":
		return u.TriggeredBy, true
	case "WantedBy":
		return u.WantedBy, true
	case "ConditionResult", "AssertResult", "CanReload":
		return true, true
	case "Job":
		if j := m.jobs[u.job]; j != nil {
			return jobRef{j.id, j.path()}, true
		}
		return jobRef{0, "/"}, true
	}
	if !u.isService() {
		return nil, false
	}
	switch name {
	case "Result":
		return u.result, true
	case "MainPID":
		return uint32(u.pid), true
	case "ExecMainCode":
		return u.code, true
	case "ExecMainStatus":
		return u.status, true
	case "NRestarts":
		return uint32(0), true
	case "TimeoutStartUSec", "TimeoutStopUSec":
		return uint64(30_000_000), true
	}
	return nil, false
}
