package shell

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// meaning is what a line stands for.
type meaning struct {
	cmd      *cobra.Command
	path     []string // names of commands from the root
	rest     []string // arguments
	guessed  bool     // some name was shortened
	absolute bool     // the line was found at the root, not in this level
}

// resolve finds the command that a line means: in this level, else from the
// root.
func (s *Session) resolve(words []string) (*meaning, error) {
	root := s.Host.Tree()
	here, ok := descend(root, s.level)
	if !ok {
		return nil, fmt.Errorf("the level %s is gone", strings.Join(s.level, "/"))
	}
	m, err := follow(here, s.level, words)
	if err == nil && (m.cmd != here || here == root && strings.HasPrefix(words[0], "-")) {
		return m, nil
	}
	if len(s.level) > 0 && err == nil {
		if top, topErr := follow(root, nil, words); topErr == nil && top.cmd != root {
			top.absolute = true
			return top, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return nil, unknown(here, words[0])
}

// descend goes to a level by exact names.
func descend(cmd *cobra.Command, names []string) (*cobra.Command, bool) {
	for _, name := range names {
		i := slices.IndexFunc(cmd.Commands(), func(c *cobra.Command) bool { return c.Name() == name })
		if i < 0 {
			return nil, false
		}
		cmd = cmd.Commands()[i]
	}
	return cmd, true
}

// follow takes words as names of commands as long as they are.
func follow(cmd *cobra.Command, path, words []string) (*meaning, error) {
	m := &meaning{cmd: cmd, path: slices.Clone(path), rest: words}
	for len(m.rest) > 0 && m.cmd.HasSubCommands() && !strings.HasPrefix(m.rest[0], "-") {
		child, exact, err := find(m.cmd, m.rest[0])
		if err != nil {
			return nil, err
		}
		if child == nil {
			if m.cmd != cmd {
				return nil, unknown(m.cmd, m.rest[0])
			}
			break
		}
		m.cmd, m.path, m.rest = child, append(m.path, child.Name()), m.rest[1:]
		m.guessed = m.guessed || !exact
	}
	return m, nil
}

// find finds a child by its name, an alias, or a unique beginning of its name.
func find(cmd *cobra.Command, word string) (child *cobra.Command, exact bool, err error) {
	var near []*cobra.Command
	for _, c := range cmd.Commands() {
		if c.Name() == word || c.HasAlias(word) {
			return c, true, nil
		}
		if !c.Hidden && strings.HasPrefix(c.Name(), word) {
			near = append(near, c)
		}
	}
	switch len(near) {
	case 0:
		return nil, false, nil
	case 1:
		return near[0], false, nil
	}
	var names []string
	for _, c := range near {
		names = append(names, c.Name())
	}
	return nil, false, fmt.Errorf("%q can be %s", word, strings.Join(names, ", "))
}

func unknown(cmd *cobra.Command, word string) error {
	hint := "see: help"
	if near := cmd.SuggestionsFor(word); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("there is no command %q here (%s)", word, hint)
}
