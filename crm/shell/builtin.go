package shell

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// builtIns are the words of the shell itself.
var builtIns = map[string]string{
	"back": "go one level up", "bye": "leave the shell", "cd": "go to a level: cd .., cd resource, cd ../node",
	"end": "go one level up", "exit": "leave the shell", "help": "describe this level, or a command", "ls": "list the commands of this level",
	"quit": "leave the shell", "up": "go one level up",
}

// builtIn carries out a word of the shell itself, if it is one.
func (s *Session) builtIn(ctx context.Context, words []string) (code int, ok bool) {
	args := words[1:]
	switch words[0] {
	case "quit", "exit", "bye":
		code = s.leave(ctx, 0)
		s.done = code == codeOK || s.Batch
	case "up", "back", "end":
		code = s.up(ctx)
	case "cd":
		code = s.cd(ctx, args)
	case "ls":
		s.list()
	case "help", "?":
		code = s.help(ctx, args)
	default:
		return codeOK, false
	}
	return code, true
}

func (s *Session) up(ctx context.Context) int {
	if len(s.level) == 0 {
		return s.usage("this is the top level; 'quit' leaves the shell")
	}
	return s.leave(ctx, len(s.level)-1)
}

// cd takes a path such as "..", "../node", "/", "resource".
func (s *Session) cd(ctx context.Context, args []string) int {
	path := "/"
	if len(args) > 0 {
		path = args[0]
	}
	if strings.HasPrefix(path, "/") {
		if code := s.leave(ctx, 0); code != codeOK {
			return code
		}
	}
	for _, part := range strings.FieldsFunc(path, func(c rune) bool { return c == '/' }) {
		if part == "." {
			continue
		}
		if part == ".." {
			if code := s.up(ctx); code != codeOK {
				return code
			}
			continue
		}
		here, ok := descend(s.Host.Tree(), s.level)
		if !ok {
			return s.usage("the level %s is gone", strings.Join(s.level, "/"))
		}
		child, _, err := find(here, part)
		switch {
		case err != nil:
			return s.usage("%v", err)
		case child == nil || !child.HasAvailableSubCommands():
			return s.usage("there is no level %q here", part)
		}
		if code := s.enter(ctx, []string{child.Name()}); code != codeOK {
			return code
		}
	}
	return codeOK
}

// list prints the commands of this level.
func (s *Session) list() {
	here, ok := descend(s.Host.Tree(), s.level)
	if !ok {
		return
	}
	width := 0
	var shown []*cobra.Command
	for _, c := range here.Commands() {
		if c.IsAvailableCommand() {
			shown = append(shown, c)
			width = max(width, len(c.Name()))
		}
	}
	for _, c := range shown {
		name := c.Name()
		if c.HasAvailableSubCommands() {
			name += "/"
		}
		fmt.Fprintf(s.Out, "%-*s  %s\n", width+1, name, c.Short)
	}
}

func (s *Session) help(ctx context.Context, args []string) int {
	if len(args) > 0 && builtIns[args[0]] != "" {
		fmt.Fprintf(s.Out, "%s: %s\n", args[0], builtIns[args[0]])
		return codeOK
	}
	if len(args) == 0 {
		s.list()
		fmt.Fprintln(s.Out)
		var names []string
		for name := range builtIns {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Fprintf(s.Out, "%-6s%s\n", name, builtIns[name])
		}
		fmt.Fprintln(s.Out, "\n'help COMMAND' says more.")
		return codeOK
	}
	m, err := s.resolve(args)
	if err != nil {
		return s.usage("%v", err)
	}
	return s.Host.Run(ctx, append(m.path, "--help"))
}
