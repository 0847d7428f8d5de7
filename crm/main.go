// Command crm is Holdfast: the daemon, the shell and every one-shot command.
package main

import (
	"os"

	"github.com/holdfast-ha/holdfast/crm/cli"
)

func main() {
	os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
