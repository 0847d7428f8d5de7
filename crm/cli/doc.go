// Package cli is the command tree of crm.
//
// One file holds one noun, as a function that builds its command from the
// [App]: newSimulate(app) and so on, listed in newRoot. The same tree serves
// one-shot use, the shell, completion and manual pages, so nothing in it reads
// os.Args, writes to os.Stdout or ends the process; [Main] alone turns the
// outcome into one line on standard error and an exit code.
//
//	arguments ──▶ newRoot(app) ──▶ RunE ──▶ nil, or *ExitError{Code, Err}
//
// A command prints results on App.Out, in the format that App.Output names, and
// returns errors instead of printing them.
package cli
