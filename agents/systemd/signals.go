package systemd

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// subscription is somebody's interest in one unit. It survives the connection.
type subscription struct {
	path  dbus.ObjectPath
	id    string
	dirty chan struct{} // holds a token when the unit may have changed
}

// poke says: look again. It never blocks.
func (s *subscription) poke() {
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

// rules are what a message bus must pass on for this subscription.
func (s *subscription) rules() []string {
	return []string{
		fmt.Sprintf("type='signal',sender='%s',path='%s',interface='%s',member='PropertiesChanged'", busName, s.path, propsIface),
		fmt.Sprintf("type='signal',sender='%s',path='%s',interface='%s',member='JobRemoved',arg2='%s'", busName, managerPath, managerIface, s.id),
	}
}

// subscribe begins to listen for changes of one unit. Whoever subscribes must
// look at the unit afterwards, not before.
func (a *Agent) subscribe(ctx context.Context, u unit) (*subscription, error) {
	s := &subscription{path: u.path, id: u.id, dirty: make(chan struct{}, 1)}
	a.mu.Lock()
	a.subs[s] = struct{}{}
	a.mu.Unlock()
	// A connection made from now on brings the rules by itself; this is for the
	// one that may be there already.
	err := a.do(ctx, func(l *link) error { return l.match(ctx, s.rules()) })
	if err != nil {
		a.mu.Lock()
		delete(a.subs, s)
		a.mu.Unlock()
		return nil, err
	}
	return s, nil
}

// unsubscribe ends it.
func (a *Agent) unsubscribe(s *subscription) {
	a.mu.Lock()
	delete(a.subs, s)
	l := a.link
	a.mu.Unlock()
	if l != nil {
		l.unmatch(s.rules())
	}
}

// match asks the bus for signals. Rules are counted, so each is sent once. A
// connection on which that fails is of no use: it would be deaf.
func (l *link) match(ctx context.Context, rules []string) error {
	if !l.bus {
		return nil
	}
	l.matching.Lock()
	defer l.matching.Unlock()
	for _, rule := range rules {
		if l.rules[rule]++; l.rules[rule] > 1 {
			continue
		}
		if err := l.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.AddMatch", 0, rule).Err; err != nil {
			l.close()
			return err
		}
	}
	return nil
}

// unmatch gives rules back. Nobody waits for the answer.
func (l *link) unmatch(rules []string) {
	if !l.bus {
		return
	}
	l.matching.Lock()
	defer l.matching.Unlock()
	for _, rule := range rules {
		if l.rules[rule]--; l.rules[rule] <= 0 {
			delete(l.rules, rule)
			l.conn.BusObject().Go("org.freedesktop.DBus.RemoveMatch", dbus.FlagNoReplyExpected, nil, rule)
		}
	}
}

// dispatch passes the connection's signals on until it ends.
func (a *Agent) dispatch(l *link) {
	defer a.forget(l)
	for {
		select {
		case <-l.gone:
			return
		case s, open := <-l.signals:
			if !open {
				return
			}
			a.handle(l, s)
		}
	}
}

// handle is one signal.
func (a *Agent) handle(l *link, s *dbus.Signal) {
	switch s.Name {
	case managerIface + ".JobRemoved":
		if len(s.Body) == 4 {
			path, ok1 := s.Body[1].(dbus.ObjectPath)
			result, ok2 := s.Body[3].(string)
			if ok1 && ok2 {
				l.jobEnded(path, result)
			}
		}
	case propsIface + ".PropertiesChanged":
		a.mu.Lock()
		defer a.mu.Unlock()
		for sub := range a.subs {
			if sub.path == s.Path {
				sub.poke()
			}
		}
	case "org.freedesktop.DBus.NameOwnerChanged":
		// systemd left the bus, or another instance of it came. Jobs may have
		// ended unheard: start again with a fresh connection.
		a.log.Debug("the systemd manager changed on the bus; connecting again")
		l.close()
	}
}

// forget drops a connection that has ended and wakes everybody up, so that
// they connect again: without a connection nobody would tell them anything.
func (a *Agent) forget(l *link) {
	l.close()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.link == l {
		a.link = nil
	}
	for s := range a.subs {
		s.poke()
	}
}
