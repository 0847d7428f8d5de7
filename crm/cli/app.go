package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/crm/api"
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

	// Interactive says that In is a terminal: somebody can answer questions.
	Interactive bool

	// Terminal says that Out is a terminal: people read it.
	Terminal bool

	// Color and ErrColor allow colours on Out and Err: each is a terminal and
	// the environment does not set NO_COLOR.
	Color    bool
	ErrColor bool

	// Output is the global flag -o: Text unless told otherwise.
	Output Format

	// Yes answers every question with yes; Force overrides safety checks.
	Yes   bool
	Force bool

	// Wait is how long a change is followed; 0 is without limit. NoWait returns
	// as soon as a change is in the log.
	Wait   waitTime
	NoWait bool

	// Socket is the daemon's control socket.
	Socket string

	// Draft is the working copy that configure commands edit inside of the shell;
	// nil: they commit.
	Draft *Draft

	// Ask puts a question to the person at the terminal; the shell replaces it.
	Ask func(question string) (string, error)

	inShell bool // commands are lines of the shell or of a batch
	client  *api.Client
	reader  *bufio.Reader
}

// waitTime is a duration that also takes a plain number of seconds.
type waitTime time.Duration

// String implements pflag.Value.
func (w *waitTime) String() string {
	if *w == 0 {
		return ""
	}
	return time.Duration(*w).String()
}

// Type implements pflag.Value.
func (w *waitTime) Type() string { return "timeout" }

// Set implements pflag.Value.
func (w *waitTime) Set(text string) error {
	if text == "forever" {
		*w = 0
		return nil
	}
	d, err := parseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("expected a duration such as 90s, not %q", text)
	}
	*w = waitTime(d)
	return nil
}

// NewApp looks at the streams once.
func NewApp(in io.Reader, out, errs io.Writer) *App {
	colors := os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	a := &App{
		In: in, Out: out, Err: errs,
		Interactive: isTerminal(in),
		Terminal:    isTerminal(out),
		Color:       colors && isTerminal(out),
		ErrColor:    colors && isTerminal(errs),
		Output:      Text,
		Socket:      defaultSocket(),
	}
	a.Ask = a.askLine
	return a
}

// defaultSocket is where the daemon of an installed system listens, unless
// HOLDFAST_SOCKET says otherwise.
func defaultSocket() string {
	if s := os.Getenv("HOLDFAST_SOCKET"); s != "" {
		return s
	}
	return "/run/holdfast/crm.sock"
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

// API is the client for the daemon.
func (a *App) API() *api.Client {
	if a.client == nil {
		a.client = api.NewClient(a.Socket)
	}
	return a.client
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

// print writes text for people.
func (a *App) print(format string, args ...any) error {
	if _, err := fmt.Fprintf(a.Out, format, args...); err != nil {
		return exitf(ExitCannotCreate, "printing the result: %w", err)
	}
	return nil
}

// show prints a value as JSON, or as the text that fn makes of it.
func (a *App) show(value any, fn func() string) error {
	if a.Output == JSON {
		return a.printJSON(value)
	}
	return a.print("%s", fn())
}

// note tells the person something beside the result.
func (a *App) note(format string, args ...any) { fmt.Fprintf(a.Err, format+"\n", args...) }

// printError writes the one line that says what went wrong.
func (a *App) printError(message string) {
	label := "error:"
	if a.ErrColor {
		label = "\x1b[1;31merror:\x1b[0m"
	}
	fmt.Fprintln(a.Err, label, message)
}

// confirm asks a yes-or-no question. Only yes is nil.
func (a *App) confirm(question string) error {
	if a.Yes {
		return nil
	}
	if !a.Interactive {
		return exitf(ExitUsage, "%s: nobody is here to answer; say yes beforehand with -y", question)
	}
	answer, err := a.Ask(question + " [y/N] ")
	if err != nil {
		return exitf(ExitNoInput, "reading the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return exitf(ExitFailure, "nothing was done")
}

// askLine reads an answer; an interrupt is one, too.
func (a *App) askLine(question string) (string, error) {
	fmt.Fprint(a.Err, question)
	if a.reader == nil {
		a.reader = bufio.NewReader(a.In)
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	type answer struct {
		line string
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // it outlives an interrupt only until the program ends
		line, err := a.reader.ReadString('\n')
		answers <- answer{line, err}
	}()
	select {
	case x := <-answers:
		if x.err == io.EOF && x.line != "" {
			x.err = nil
		}
		return x.line, x.err
	case <-interrupted:
		fmt.Fprintln(a.Err)
		return "", errors.New("interrupted")
	}
}
