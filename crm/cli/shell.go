package cli

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/peterh/liner"
	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/shell"
)

// shellFlags belong to crm itself.
type shellFlags struct {
	file string
	goOn bool
}

// runRoot is crm without a command: a batch file, the shell on a terminal, or
// the help.
func (a *App) runRoot(cmd *cobra.Command, f *shellFlags) error {
	switch {
	case f.file != "":
		return a.runFile(cmd.Context(), f)
	case a.Interactive && a.Terminal && !a.inShell:
		return a.runShell(cmd.Context())
	}
	return cmd.Help()
}

// runLevel is the name of a level alone: the shell in that level, or for
// configure the lines of standard input.
func (a *App) runLevel(cmd *cobra.Command) error {
	level := strings.Fields(cmd.CommandPath())[1:]
	switch {
	case a.inShell:
	case a.Interactive && a.Terminal:
		return a.runShell(cmd.Context(), level...)
	case !a.Interactive && level[0] == "configure":
		text, err := bounded(a.In, "standard input")
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(text)) > 0 {
			return a.batch(cmd.Context(), bytes.NewReader(text), false, level...)
		}
	}
	return cmd.Help()
}

func (a *App) runFile(ctx context.Context, f *shellFlags) error {
	if f.file == "-" {
		return a.batch(ctx, a.In, f.goOn)
	}
	in, err := os.Open(f.file)
	if err != nil {
		return fileError(err)
	}
	defer in.Close()
	return a.batch(ctx, in, f.goOn)
}

func (a *App) session() *shell.Session {
	a.inShell = true
	return &shell.Session{Host: &shellHost{app: a}, Out: a.Out, Err: a.Err}
}

func (a *App) batch(ctx context.Context, in interface{ Read([]byte) (int, error) }, goOn bool, level ...string) error {
	s := a.session()
	if code := s.Enter(ctx, level...); code != 0 {
		return &ExitError{Code: ExitCode(code)}
	}
	code, err := s.RunBatch(ctx, in, goOn)
	if err != nil {
		return exitf(ExitData, "%w", err)
	}
	if code != 0 {
		return &ExitError{Code: ExitCode(code)}
	}
	return nil
}

// runShell talks to the person at the terminal.
func (a *App) runShell(ctx context.Context, level ...string) error {
	ctx = context.WithoutCancel(ctx) // Ctrl-C ends a command, not the shell
	line := liner.NewLiner()
	defer line.Close()
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(ended)
	go func() {
		if sig, ok := <-ended; ok { // the terminal must be left as it was found
			_ = line.Close()
			signal.Reset(sig)
			_ = syscall.Kill(os.Getpid(), sig.(syscall.Signal))
		}
	}()
	a.Ask = line.Prompt
	s := a.session()
	if code := s.Enter(ctx, level...); code != 0 {
		return &ExitError{Code: ExitCode(code)}
	}
	s.Run(ctx, line, historyFile())
	return nil
}

// historyFile is where the lines of the shell are kept between sessions.
func historyFile() string {
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "holdfast", "history")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "state", "holdfast", "history")
}

// shellHost lets the shell run commands of this program.
type shellHost struct{ app *App }

// Tree is a fresh tree on a copy of the app.
func (h *shellHost) Tree() *cobra.Command {
	own := *h.app
	return newRoot(&own)
}

// Run runs a line on a copy of the app, so that its flags end with it.
func (h *shellHost) Run(ctx context.Context, args []string) int {
	own := *h.app
	if len(args) > 0 && args[0] != "configure" {
		own.Draft = nil // 'maintenance on' means now, whatever level it is typed in
	}
	return int(own.Run(ctx, args))
}

// Complete asks cobra's own completion.
func (h *shellHost) Complete(ctx context.Context, args []string) []string {
	var out, errs bytes.Buffer
	own := *h.app
	own.Out, own.Err, own.In = &out, &errs, strings.NewReader("")
	if own.Run(ctx, append([]string{cobra.ShellCompNoDescRequestCmd}, args...)) != ExitOK {
		return nil
	}
	var words []string
	for line := range strings.Lines(out.String()) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, ":") {
			break // the directive ends the list
		}
		words = append(words, line)
	}
	return words
}

// Where names the node that answers.
func (h *shellHost) Where(ctx context.Context) string {
	limited, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := h.app.API().Cluster(limited)
	switch {
	case err != nil:
		return "offline"
	case !c.Quorum:
		return "no-quorum/" + c.Self
	}
	return "live/" + c.Self
}

// OpenDraft begins a working copy. Without a daemon the level has none, and
// only its help works.
func (h *shellHost) OpenDraft(ctx context.Context) error {
	base, err := h.app.API().Config(ctx)
	if err != nil {
		if codeOf(err) == ExitNotConnected {
			h.app.note("no daemon answers here: only help works in this level")
			return nil
		}
		return err
	}
	h.app.Draft = &Draft{Base: base, Set: base.Set()}
	return nil
}

// Dirty says whether the working copy was changed.
func (h *shellHost) Dirty() bool { return h.app.Draft != nil && h.app.Draft.Dirty }

// CloseDraft drops the working copy.
func (h *shellHost) CloseDraft() { h.app.Draft = nil }

// Confirm asks the person.
func (h *shellHost) Confirm(question string) error { return h.app.confirm(question) }

// Fail prints an error.
func (h *shellHost) Fail(message string) { h.app.printError(message) }
