package shell

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/crmsh"
)

// Host is what the shell asks of the program around it.
type Host interface {
	// Tree is a fresh command tree, to look at.
	Tree() *cobra.Command
	// Run runs one command line below the root and prints its errors. The answer
	// is its exit code.
	Run(ctx context.Context, args []string) int
	// Complete lists the words that can follow, the last of args being the
	// beginning of one.
	Complete(ctx context.Context, args []string) []string
	// Where names the cluster and node for the prompt: "live/n1".
	Where(ctx context.Context) string
	// OpenDraft begins a working copy, Dirty says whether it was changed, and
	// CloseDraft drops it.
	OpenDraft(ctx context.Context) error
	Dirty() bool
	CloseDraft()
	// Confirm asks a question; nil is yes.
	Confirm(question string) error
	// Fail prints what went wrong.
	Fail(message string)
}

// draftLevel is the level that has a working copy.
const draftLevel = "configure"

// Session is one person's, or one file's, way through the levels.
type Session struct {
	Host Host
	Out  io.Writer // lists and help
	Err  io.Writer // what was understood

	// Batch says that lines come from a file: working copies are committed when
	// their level is left, without a question.
	Batch bool

	level []string // names of commands from the root
	done  bool
}

// Exit codes of the shell itself; commands have their own.
const (
	codeOK    = 0
	codeUsage = 64
)

// Enter goes to a level from the root.
func (s *Session) Enter(ctx context.Context, level ...string) int {
	if code := s.leave(ctx, 0); code != codeOK {
		return code
	}
	return s.enter(ctx, level)
}

// Done says that the session was ended by its user.
func (s *Session) Done() bool { return s.done }

// Prompt is what to show before the next line.
func (s *Session) Prompt(ctx context.Context) string {
	mark := ""
	if s.Host.Dirty() {
		mark = "*"
	}
	return "crm(" + s.Host.Where(ctx) + ")" + strings.Join(s.level, "/") + mark + "# "
}

// Line carries out one line and returns its exit code.
func (s *Session) Line(ctx context.Context, text string) int {
	words, err := crmsh.Split(text)
	if err != nil {
		return s.usage("%v", err)
	}
	if len(words) == 0 {
		return codeOK
	}
	if code, ok := s.builtIn(ctx, words); ok {
		return code
	}
	return s.command(ctx, words)
}

func (s *Session) usage(format string, args ...any) int {
	s.Host.Fail(fmt.Sprintf(format, args...))
	return codeUsage
}

// command runs a command, or enters the level that it names.
func (s *Session) command(ctx context.Context, words []string) int {
	m, err := s.resolve(words)
	if err != nil {
		return s.usage("%v", err)
	}
	path := append(append([]string{}, m.path...), m.rest...)
	if m.guessed {
		fmt.Fprintf(s.Err, "(%s)\n", strings.Join(path, " "))
	}
	if len(m.rest) == 0 && m.cmd.HasAvailableSubCommands() {
		if m.absolute {
			if code := s.leave(ctx, 0); code != codeOK {
				return code
			}
			return s.enter(ctx, m.path)
		}
		return s.enter(ctx, m.path[len(s.level):])
	}
	return s.Host.Run(ctx, path)
}

// enter goes down.
func (s *Session) enter(ctx context.Context, names []string) int {
	for _, name := range names {
		if len(s.level) == 0 && name == draftLevel {
			if err := s.Host.OpenDraft(ctx); err != nil {
				return s.usage("%v", err)
			}
		}
		s.level = append(s.level, name)
	}
	return codeOK
}

// leave goes up until depth levels are left. A working copy with changes is
// committed, dropped, or, when its owner does not want either, kept.
func (s *Session) leave(ctx context.Context, depth int) int {
	if len(s.level) <= depth {
		return codeOK
	}
	if depth == 0 && s.level[0] == draftLevel {
		if code := s.settle(ctx); code != codeOK {
			return code
		}
		s.Host.CloseDraft()
	}
	s.level = s.level[:depth]
	return codeOK
}

// settle asks what becomes of changes.
func (s *Session) settle(ctx context.Context) int {
	if !s.Host.Dirty() {
		return codeOK
	}
	if s.Batch || s.Host.Confirm("There are changes pending. Do you want to commit them?") == nil {
		return s.Host.Run(ctx, []string{draftLevel, "commit"})
	}
	if s.Host.Confirm("Drop them?") != nil {
		return s.usage("the changes are kept: 'commit', or 'refresh' to drop them")
	}
	return codeOK
}

// End leaves all levels, as at the end of a file.
func (s *Session) End(ctx context.Context) int { return s.leave(ctx, 0) }
