package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// everyCommand visits the whole tree.
func everyCommand(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		everyCommand(c, visit)
	}
}

func testApp() *App {
	var out, errs strings.Builder
	return NewApp(strings.NewReader(""), &out, &errs)
}

func TestEveryCommandHasHelpAndAnExample(t *testing.T) {
	everyCommand(newRoot(testApp()), func(c *cobra.Command) {
		path := c.CommandPath()
		if c.Name() == "help" {
			return
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: the short help %q is empty or a sentence", path, c.Short)
		}
		if len(c.Short) > 76 {
			t.Errorf("%s: the short help is longer than a line", path)
		}
		for line := range strings.Lines(c.Long) {
			if len([]rune(line)) > 200 {
				t.Errorf("%s: a line of the help is %d characters long", path, len([]rune(line)))
			}
		}
		if c.HasSubCommands() && c.Name() != "history" {
			return
		}
		if !strings.Contains(c.Example, c.Name()) {
			t.Errorf("%s: the example %q does not show it", path, c.Example)
		}
	})
}

func TestEveryCommandIsInTheManual(t *testing.T) {
	root := newRoot(testApp())
	page := manual(root)
	everyCommand(root, func(c *cobra.Command) {
		if c == root || c.Hidden || c.Name() == "help" || c.HasSubCommands() {
			return
		}
		if !strings.Contains(page, `\fB`+roff(c.CommandPath())) {
			t.Errorf("the manual lacks %s", c.CommandPath())
		}
	})
}

func TestFlagsAreDescribed(t *testing.T) {
	everyCommand(newRoot(testApp()), func(c *cobra.Command) {
		for line := range strings.Lines(c.LocalFlags().FlagUsages()) {
			if fields := strings.Fields(line); len(fields) < 3 {
				t.Errorf("%s: %q says too little", c.CommandPath(), strings.TrimSpace(line))
			}
		}
	})
}
