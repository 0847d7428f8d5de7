package process

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents"
)

// settings are a request's parameters, understood.
type settings struct {
	command     []string
	directory   string
	environment []string
	pidfile     string
	logfile     string
	stopSignal  syscall.Signal
	killAfter   time.Duration
	ready       string
	user        string
}

// defaultKillAfter is what most services need for an orderly end, and well
// below the timeout that is advised for stop.
const defaultKillAfter = 10 * time.Second

// settings reads all parameters and reports everything that is wrong with
// them. What can be understood is valid even then: stop and monitor, which must
// work for whatever once ran, take the defaults for the rest.
func (a *Agent) settings(req agents.Request) (settings, error) {
	var errs []error
	bad := func(name, format string, args ...any) {
		errs = append(errs, fmt.Errorf("parameter "+name+": "+format, args...))
	}
	name := url.PathEscape(req.Resource)
	s := settings{
		directory: "/", pidfile: filepath.Join(a.runDir, name+".pid"), logfile: filepath.Join(a.runDir, name+".log"),
		stopSignal: syscall.SIGTERM, killAfter: defaultKillAfter, ready: req.Params["ready"], user: req.Params["user"],
	}
	var err error
	if s.command, err = words(req.Params["command"]); err != nil {
		bad("command", "%w", err)
	} else if len(s.command) == 0 || s.command[0] == "" {
		bad("command", "it is required: the program and its arguments")
	}
	if s.environment, err = variables(req.Params["environment"]); err != nil {
		bad("environment", "%w", err)
	}
	for name, path := range map[string]*string{"directory": &s.directory, "pidfile": &s.pidfile} {
		if text := req.Params[name]; text != "" && !absolute(text) {
			bad(name, "%q is not an absolute path", text)
		} else if text != "" {
			*path = filepath.Clean(text)
		}
	}
	if text := req.Params["stop-signal"]; text != "" {
		if signal, ok := signalByName(text); ok {
			s.stopSignal = signal
		} else {
			bad("stop-signal", "%q is not a signal such as TERM, INT or QUIT", text)
		}
	}
	if text := req.Params["kill-after"]; text != "" {
		if d, err := time.ParseDuration(text); err == nil && d >= 0 {
			s.killAfter = d
		} else {
			bad("kill-after", "%q is not a duration such as 10s", text)
		}
	}
	if err := checkReady(s.ready); err != nil {
		bad("ready", "%w", err)
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return s, errors.Join(errs...)
}

func absolute(path string) bool {
	return filepath.IsAbs(path) && !strings.ContainsRune(path, 0)
}

// variables reads the parameter environment.
func variables(text string) ([]string, error) {
	list, err := words(text)
	if err != nil {
		return nil, err
	}
	for _, v := range list {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			return nil, fmt.Errorf("%q is not NAME=value", v)
		}
		if strings.HasPrefix(v, "HOLDFAST_") {
			return nil, fmt.Errorf("%q: names that begin with HOLDFAST_ are reserved", v)
		}
	}
	return list, nil
}

// signalByName knows TERM and SIGTERM, but neither numbers, which differ
// between machines, nor STOP, CONT and CHLD, which end nothing.
func signalByName(name string) (syscall.Signal, bool) {
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	signal := unix.SignalNum(name)
	switch signal {
	case 0, unix.SIGSTOP, unix.SIGCONT, unix.SIGCHLD, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return 0, false
	}
	return signal, true
}

// checkReady says whether the parameter can be understood at all.
func checkReady(ready string) error {
	if address, ok := strings.CutPrefix(ready, "tcp:"); ok {
		if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
			return fmt.Errorf("%q is not tcp:HOST:PORT", ready)
		}
		return nil
	}
	if strings.HasPrefix(ready, "http://") {
		if u, err := url.Parse(ready); err != nil || u.Host == "" {
			return fmt.Errorf("%q is not a URL", ready)
		}
		return nil
	}
	if ready != "" && !absolute(ready) {
		return fmt.Errorf("%q is neither tcp:HOST:PORT, nor http://..., nor an absolute path", ready)
	}
	return nil
}
