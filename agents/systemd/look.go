package systemd

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// unit is where systemd keeps a unit.
type unit struct {
	name string          // as configured
	id   string          // its main name, when name is an alias
	path dbus.ObjectPath // its object
}

// snapshot is what systemd says of a unit at one moment.
type snapshot struct {
	Load, LoadError string // "loaded"; or "not-found", "masked", "error", "bad-setting" and why
	Active, Sub     string // "active", "running"
	Condition       bool   // false when a Condition…= or Assert…= kept it from starting
	Result          string // "success", or how it failed; "" for types without one
	MainPID         int    // of a service; 0 for none
	ExitCode        int    // of the main process: CLD_EXITED, CLD_KILLED, CLD_DUMPED
	ExitStatus      int    // exit status or signal
	Restarts        int    // by systemd
	Invocation      string // changes with each start
}

// up says that the unit is started.
func (s snapshot) up() bool {
	return s.Active == "active" || s.Active == "reloading" || s.Active == "refreshing"
}

// moving says that the unit is on its way up or down.
func (s snapshot) moving() bool { return s.Active == "activating" || s.Active == "deactivating" }

// down says that nothing of the unit runs.
func (s snapshot) down() bool { return s.Active == "inactive" || s.Active == "failed" }

// String is the state as systemctl shows it.
func (s snapshot) String() string { return s.Active + " (" + s.Sub + ")" }

// missingUnit is the error for a unit that cannot be run on this node.
type missingUnit struct{ name, why string }

func (e *missingUnit) Error() string { return fmt.Sprintf("unit %s %s", e.name, e.why) }

// load makes the manager load a unit and says where it is. It succeeds for
// names without a unit file; LoadState tells.
func (l *link) load(ctx context.Context, name string) (dbus.ObjectPath, error) {
	c, err := l.call(ctx, managerPath, managerIface+".LoadUnit", name)
	if err != nil {
		return "", err
	}
	var path dbus.ObjectPath
	return path, c.Store(&path)
}

// find loads a unit and asks for its main name.
func (a *Agent) find(ctx context.Context, name string) (unit, error) {
	u := unit{name: name}
	err := a.do(ctx, func(l *link) error {
		path, err := l.load(ctx, name)
		if err != nil {
			return err
		}
		v, err := l.get(ctx, path, unitIface, "Id")
		if err != nil {
			return err
		}
		u.path, u.id = path, name
		if id, ok := v.Value().(string); ok && id != "" {
			u.id = id
		}
		return nil
	})
	return u, err
}

// get reads one property.
func (l *link) get(ctx context.Context, path dbus.ObjectPath, iface, name string) (dbus.Variant, error) {
	var v dbus.Variant
	c, err := l.call(ctx, path, propsIface+".Get", iface, name)
	if err != nil {
		return v, err
	}
	return v, c.Store(&v)
}

// property is one property to read, and where to put it.
type property struct {
	iface, name string
	into        any
}

// getAll reads several properties at the price of one round trip. What a unit
// type or an older systemd does not have stays as it is.
func (l *link) getAll(ctx context.Context, path dbus.ObjectPath, wanted []property) error {
	obj := l.conn.Object(busName, path)
	calls := make([]*dbus.Call, len(wanted))
	for i, p := range wanted {
		calls[i] = obj.GoWithContext(ctx, propsIface+".Get", dbus.FlagNoAutoStart, make(chan *dbus.Call, 1), p.iface, p.name)
	}
	var first error
	for i, c := range calls {
		select {
		case <-c.Done:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := c.Err
		if err == nil {
			var v dbus.Variant
			if err = c.Store(&v); err == nil {
				err = dbus.Store([]any{v.Value()}, wanted[i].into)
			}
		}
		if err != nil && first == nil && !unknownProperty(err) {
			first = fmt.Errorf("property %s: %w", wanted[i].name, err)
		}
	}
	return first
}

func unknownProperty(err error) bool {
	var e dbus.Error
	return errors.As(err, &e) && (e.Name == "org.freedesktop.DBus.Error.UnknownProperty" || e.Name == "org.freedesktop.DBus.Error.UnknownInterface")
}

// look asks for the state of a unit.
func (a *Agent) look(ctx context.Context, u unit) (snapshot, error) {
	var s snapshot
	err := a.do(ctx, func(l *link) (err error) {
		s, err = l.look(ctx, u)
		return err
	})
	return s, err
}

// look reads until nothing changed in between: the properties come one by one.
// Only a unit that never rests is taken as it was read last.
func (l *link) look(ctx context.Context, u unit) (s snapshot, err error) {
	for range 5 {
		var changes [2]uint64
		if s, changes, err = l.lookOnce(ctx, u); err != nil || changes[0] == changes[1] {
			break
		}
	}
	return s, err
}

// lookOnce reads a unit's state, and before and after it the time of the
// unit's last change.
func (l *link) lookOnce(ctx context.Context, u unit) (s snapshot, changes [2]uint64, err error) {
	const changed = "StateChangeTimestampMonotonic"
	s = snapshot{Condition: true}
	var loadError struct{ Name, Text string }
	assert := true
	var invocation []byte
	var pid, restarts uint32
	var code, status int32
	wanted := []property{
		{unitIface, changed, &changes[0]},
		{unitIface, "LoadState", &s.Load},
		{unitIface, "LoadError", &loadError},
		{unitIface, "ActiveState", &s.Active},
		{unitIface, "SubState", &s.Sub},
		{unitIface, "ConditionResult", &s.Condition},
		{unitIface, "AssertResult", &assert},
		{unitIface, "InvocationID", &invocation},
	}
	if iface, ok := interfaces[suffixOf(u.id)]; ok {
		wanted = append(wanted, property{iface, "Result", &s.Result})
		if suffixOf(u.id) == ".service" {
			wanted = append(wanted,
				property{iface, "MainPID", &pid},
				property{iface, "ExecMainCode", &code},
				property{iface, "ExecMainStatus", &status},
				property{iface, "NRestarts", &restarts})
		}
	}
	wanted = append(wanted, property{unitIface, changed, &changes[1]})
	if err := l.getAll(ctx, u.path, wanted); err != nil {
		return s, changes, err
	}
	s.Invocation = hex.EncodeToString(invocation)
	s.LoadError = loadError.Text
	s.Condition = s.Condition && assert
	s.MainPID, s.Restarts, s.ExitCode, s.ExitStatus = int(pid), int(restarts), int(code), int(status)
	return s, changes, nil
}

// await looks at a unit until accept is satisfied or ctx ends; it returns what
// it saw last. Between looks it waits for the unit to change.
func (a *Agent) await(ctx context.Context, u unit, accept func(snapshot) bool) (snapshot, error) {
	s, err := a.look(ctx, u)
	if err != nil || accept(s) {
		return s, err
	}
	sub, err := a.subscribe(ctx, u)
	if err != nil {
		return s, err
	}
	defer a.unsubscribe(sub)
	for {
		now, err := a.look(ctx, u)
		if err != nil {
			return s, err
		}
		if s = now; accept(s) {
			return s, nil
		}
		select {
		case <-sub.dirty:
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

// unusable says why a unit cannot be started, or nil.
func unusable(u unit, s snapshot) error {
	switch s.Load {
	case "not-found":
		return &missingUnit{u.name, "is not installed on this node"}
	case "masked":
		return fmt.Errorf("unit %s is masked; unmask it with: systemctl unmask %s", u.name, u.name)
	case "error", "bad-setting":
		return fmt.Errorf("unit %s cannot be loaded (%s): %s", u.name, s.Load, s.LoadError)
	}
	return nil
}

// processGone says whether a process has ended, also when nobody reaped it yet.
func processGone(pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return errors.Is(err, unix.ESRCH)
	}
	defer unix.Close(fd)
	n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return n > 0
}
