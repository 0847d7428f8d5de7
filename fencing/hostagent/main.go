package hostagent

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// The exit codes of the fence-agents API.
const (
	exitOK  = 0 // done; status: on
	exitBad = 1
	exitOff = 2 // status: off
)

// metadata is what the agent says about itself.
const metadata = `<?xml version="1.0" ?>
<resource-agent name="fence_hosts" shortdesc="Fence agent for hosts of a test bed">
<longdesc>fence_hosts asks a daemon outside, over a unix socket, to kill or boot a host, and answers only when that is done.</longdesc>
<vendor-url></vendor-url>
<parameters>
	<parameter name="action" unique="0" required="1">
		<getopt mixed="-o, --action=[action]" />
		<content type="string" default="reboot" />
		<shortdesc lang="en">Fencing action</shortdesc>
	</parameter>
	<parameter name="plug" unique="0" required="1">
		<getopt mixed="-n, --plug=[name]" />
		<content type="string" />
		<shortdesc lang="en">Name of the host</shortdesc>
	</parameter>
	<parameter name="socket" unique="0" required="0">
		<getopt mixed="-s, --socket=[path]" />
		<content type="string" default="` + DefaultSocket + `" />
		<shortdesc lang="en">Unix socket of the daemon</shortdesc>
	</parameter>
	<parameter name="timeout" unique="0" required="0">
		<getopt mixed="-t, --timeout=[seconds]" />
		<content type="second" default="0" />
		<shortdesc lang="en">Longest wait for the daemon; 0 waits without limit</shortdesc>
	</parameter>
</parameters>
<actions>
	<action name="on" automatic="0"/>
	<action name="off" />
	<action name="reboot" />
	<action name="status" />
	<action name="list" />
	<action name="monitor" />
	<action name="metadata" />
	<action name="validate-all" />
</actions>
</resource-agent>
`

// Main is the fence agent. Without args it reads its parameters from stdin as
// the cluster gives them; with args it takes the options that its metadata
// lists, for use by hand. It returns the exit code.
func Main(stdin io.Reader, stdout, stderr io.Writer, args []string) int {
	params, err := readParams(stdin, stderr, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitBad
	}
	code, err := act(stdout, params)
	if err != nil {
		fmt.Fprintln(stderr, err)
	}
	return code
}

func readParams(stdin io.Reader, stderr io.Writer, args []string) (map[string]string, error) {
	params := map[string]string{"action": "reboot", "socket": DefaultSocket, "timeout": "0"}
	if len(args) > 0 {
		return params, readArgs(params, stderr, args)
	}
	lines := bufio.NewScanner(stdin)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		name, value, ok := strings.Cut(line, "=")
		if ok && !strings.HasPrefix(line, "#") {
			params[name] = value
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("the parameters cannot be read: %w", err)
	}
	return params, nil
}

func readArgs(params map[string]string, stderr io.Writer, args []string) error {
	flags := flag.NewFlagSet("fence_hosts", flag.ContinueOnError)
	flags.SetOutput(stderr)
	for _, o := range []struct{ short, name, about string }{
		{"o", "action", "off, on, reboot, status, list, monitor, metadata or validate-all"},
		{"n", "plug", "name of the host"},
		{"s", "socket", "unix socket of the daemon"},
		{"t", "timeout", "longest wait for the daemon in seconds; 0 waits without limit"},
	} {
		set := func(value string) error { params[o.name] = value; return nil }
		flags.Func(o.name, o.about, set)
		flags.Func(o.short, "short for -"+o.name, set)
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	return nil
}

// act carries out one action.
func act(stdout io.Writer, params map[string]string) (int, error) {
	action := strings.ToLower(params["action"])
	if action == "metadata" {
		_, err := io.WriteString(stdout, metadata)
		return code(err), err
	}
	client := Client{Socket: params["socket"]}
	ctx, stop, err := limit(params["timeout"])
	if err != nil {
		return exitBad, err
	}
	defer stop()
	switch action {
	case "list", "monitor", "validate-all":
		hosts, err := client.List(ctx)
		if action == "list" {
			for _, h := range hosts {
				fmt.Fprintf(stdout, "%s,\n", h)
			}
		}
		return code(err), err
	case "off", "on", "reboot", "status":
	default:
		return exitBad, fmt.Errorf("unknown action %q", action)
	}
	host := params["plug"]
	if host == "" {
		host = params["port"]
	}
	if host == "" {
		return exitBad, fmt.Errorf("%s needs the parameter plug, the name of the host", action)
	}
	return power(ctx, client, action, host, stdout)
}

// power switches a host and makes sure that it is what it should be.
func power(ctx context.Context, p Power, action, host string, stdout io.Writer) (int, error) {
	switch action {
	case "status":
		on, err := p.Status(ctx, host)
		switch {
		case err != nil:
			return exitBad, err
		case on:
			fmt.Fprintln(stdout, "Status: ON")
			return exitOK, nil
		default:
			fmt.Fprintln(stdout, "Status: OFF")
			return exitOff, nil
		}
	case "on":
		err := p.On(ctx, host)
		return code(err), err
	}
	if err := p.Off(ctx, host); err != nil {
		return exitBad, err
	}
	if on, err := p.Status(ctx, host); err != nil {
		return exitBad, err
	} else if on {
		return exitBad, fmt.Errorf("%s is still on", host)
	}
	if action == "reboot" {
		// The API lets a reboot succeed when its off part did.
		if err := p.On(ctx, host); err != nil {
			fmt.Fprintf(stdout, "%s is off and stays off: %v\n", host, err)
		}
	}
	return exitOK, nil
}

func code(err error) int {
	if err != nil {
		return exitBad
	}
	return exitOK
}

// limit makes the context for a timeout in seconds.
func limit(seconds string) (context.Context, context.CancelFunc, error) {
	d, err := time.ParseDuration(strings.TrimSuffix(seconds, "s") + "s")
	switch {
	case err != nil || d < 0:
		return nil, nil, fmt.Errorf("timeout=%s is not a number of seconds", seconds)
	case d == 0:
		return context.Background(), func() {}, nil
	}
	ctx, stop := context.WithTimeout(context.Background(), d)
	return ctx, stop, nil
}
