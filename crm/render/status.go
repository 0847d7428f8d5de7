package render

import (
	"io"
	"strings"
)

// Status writes the status display.
func Status(w io.Writer, v View, o Options) error {
	d := newDisplay(v, o)
	d.summary()
	d.nodeList()
	d.resourceList()
	d.failureList()
	d.fencingHistory()
	_, err := io.WriteString(w, d.out.String())
	return err
}

// display is one status display in the making.
type display struct {
	View
	Options
	lookup lookup
	out    strings.Builder
	depth  int
}

func newDisplay(v View, o Options) *display {
	return &display{View: v, Options: o, lookup: newLookup(v)}
}

// section opens a titled part, with an empty line between parts.
func (d *display) section(title string) {
	d.depth = d.Indent
	if d.out.Len() > 0 {
		d.out.WriteByte('\n')
	}
	if !d.NoHeaders {
		if d.depth > 0 {
			d.out.WriteString(strings.Repeat("  ", d.depth) + "* ")
		}
		d.out.WriteString(title + ":\n")
	}
	d.depth++
}

// item writes one line of a list.
func (d *display) item(text string) {
	d.out.WriteString(strings.Repeat("  ", d.depth) + "* " + text + "\n")
}

// under writes what fn writes one level deeper.
func (d *display) under(fn func()) {
	d.depth++
	fn()
	d.depth--
}

// bad colours what needs attention now, warn what is unusual.
func (d *display) bad(text string) string  { return d.paint("31", text) }
func (d *display) warn(text string) string { return d.paint("33", text) }

func (d *display) paint(code, text string) string {
	if !d.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// nodeSet is "[ a b ]".
func nodeSet(names []string) string {
	return "[ " + strings.Join(names, " ") + " ]"
}
