package fake

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
)

// Manager is the fake systemd.
type Manager struct {
	socket   string
	listener net.Listener
	serving  sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond // a unit's state has changed
	conns   map[*dbus.Conn]struct{}
	units   map[string]*state
	jobs    map[uint32]*job
	lastJob uint32
	reloads int
	closed  bool
}

// Start begins to serve on a socket in dir, which should have a short path.
func Start(dir string) (*Manager, error) {
	m := &Manager{
		socket: filepath.Join(dir, "systemd.sock"),
		conns:  map[*dbus.Conn]struct{}{}, units: map[string]*state{}, jobs: map[uint32]*job{},
	}
	m.changed = sync.NewCond(&m.mu)
	l, err := net.Listen("unix", m.socket)
	if err != nil {
		return nil, fmt.Errorf("fake systemd: %w", err)
	}
	m.listener = l
	m.serving.Go(m.accept)
	return m, nil
}

// Address is the D-Bus address to connect to.
func (m *Manager) Address() string { return "unix:path=" + m.socket }

// Join also serves on a message bus, under systemd's name, until the bus or
// the manager is closed.
func (m *Manager) Join(busAddress string) error {
	conn, err := dbus.Connect(busAddress)
	if err != nil {
		return fmt.Errorf("fake systemd: %w", err)
	}
	if err := m.export(conn); err != nil {
		return err
	}
	m.mu.Lock()
	m.conns[conn] = struct{}{}
	m.mu.Unlock()
	reply, err := conn.RequestName("org.freedesktop.systemd1", dbus.NameFlagDoNotQueue)
	if err == nil && reply != dbus.RequestNameReplyPrimaryOwner {
		err = fmt.Errorf("fake systemd: another systemd is on that bus")
	}
	return err
}

// Close ends all connections, kills all processes and waits for both.
func (m *Manager) Close() {
	m.listener.Close()
	m.mu.Lock()
	m.closed = true
	m.changed.Broadcast()
	for _, u := range m.units {
		u.kill()
	}
	m.mu.Unlock()
	m.Disconnect()
	m.serving.Wait()
}

// Disconnect breaks all connections, as a daemon-reexec does.
func (m *Manager) Disconnect() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.conns {
		c.Close()
	}
	clear(m.conns)
}

// Reloads counts the daemon-reloads that were asked for.
func (m *Manager) Reloads() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reloads
}

func (m *Manager) accept() {
	for {
		c, err := m.listener.Accept()
		if err != nil {
			return
		}
		if err := m.serve(c); err != nil {
			c.Close()
		}
	}
}

// serve admits one client and answers it from now on.
func (m *Manager) serve(c net.Conn) error {
	in, err := admit(c)
	if err != nil {
		return err
	}
	conn, err := dbus.NewConn(&admitted{Reader: in, Conn: c, script: []string{"REJECTED ANONYMOUS\r\n", "OK 00\r\n"}})
	if err != nil {
		return err
	}
	if err := m.export(conn); err != nil {
		return err
	}
	m.mu.Lock()
	closed := m.closed
	m.conns[conn] = struct{}{}
	m.mu.Unlock()
	if err := conn.Auth([]dbus.Auth{dbus.AuthAnonymous()}); err != nil || closed {
		conn.Close()
		return err
	}
	return nil
}

// admit plays the server's part of the D-Bus handshake and lets anyone in.
func admit(c net.Conn) (*bufio.Reader, error) {
	in := bufio.NewReader(c)
	if _, err := in.ReadByte(); err != nil { // the credentials byte
		return nil, err
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		answer := "ERROR"
		switch line = strings.TrimSpace(line); {
		case line == "AUTH":
			answer = "REJECTED EXTERNAL"
		case strings.HasPrefix(line, "AUTH EXTERNAL"):
			answer = "OK 0123456789abcdef0123456789abcdef"
		case line == "BEGIN":
			return in, nil
		}
		if _, err := io.WriteString(c, answer+"\r\n"); err != nil {
			return nil, err
		}
	}
}

// admitted is a connection after the handshake. The D-Bus library only knows
// the client's part of it, so it is told what it wants to hear and what it
// says goes nowhere, up to its BEGIN.
type admitted struct {
	*bufio.Reader
	net.Conn
	script []string
	begun  bool
}

func (a *admitted) Read(p []byte) (int, error) {
	if len(a.script) > 0 {
		n := copy(p, a.script[0])
		a.script = a.script[1:]
		return n, nil
	}
	return a.Reader.Read(p)
}

func (a *admitted) Write(p []byte) (int, error) {
	if !a.begun {
		a.begun = bytes.HasPrefix(p, []byte("BEGIN"))
		return len(p), nil
	}
	return a.Conn.Write(p)
}

// emit sends a signal to everybody; m.mu is held.
func (m *Manager) emit(path dbus.ObjectPath, name string, values ...any) {
	for c := range m.conns {
		if c.Emit(path, name, values...) != nil {
			delete(m.conns, c)
		}
	}
}
