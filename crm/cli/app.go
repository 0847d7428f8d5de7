package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Format is how results are printed.
type Format string

// The formats.
const (
	Text Format = "text"
	JSON Format = "json"
)

// String implements pflag.Value.
func (f *Format) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *Format) Type() string { return "format" }

// Set implements pflag.Value.
func (f *Format) Set(text string) error {
	switch Format(text) {
	case Text, JSON:
		*f = Format(text)
		return nil
	}
	return fmt.Errorf("expected text or json, not %q", text)
}

// App is what every command works with: the streams, what is known of them,
// and the choices that hold for the whole tree.
type App struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	// Terminal says that Out is a terminal: people read it.
	Terminal bool

	// Color and ErrColor allow colours on Out and Err: each is a terminal and
	// the environment does not set NO_COLOR.
	Color    bool
	ErrColor bool

	// Output is the global flag -o: Text unless told otherwise.
	Output Format
}

// NewApp looks at the streams once.
func NewApp(in io.Reader, out, errs io.Writer) *App {
	colors := os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return &App{
		In: in, Out: out, Err: errs,
		Terminal: isTerminal(out),
		Color:    colors && isTerminal(out),
		ErrColor: colors && isTerminal(errs),
		Output:   Text,
	}
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

// printJSON writes a value as indented JSON.
func (a *App) printJSON(value any) error {
	encoder := json.NewEncoder(a.Out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return exitf(ExitCannotCreate, "printing the result: %w", err)
	}
	return nil
}

// printError writes the one line that says what went wrong.
func (a *App) printError(message string) {
	label := "error:"
	if a.ErrColor {
		label = "\x1b[1;31merror:\x1b[0m"
	}
	fmt.Fprintln(a.Err, label, message)
}
