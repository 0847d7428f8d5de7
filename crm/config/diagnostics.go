package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// Severity tells errors, which refuse a configuration, from warnings.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Point is a place in a document. Line and Column start at 1 and Column counts
// characters as a reader sees them; Byte is an offset from 0.
type Point struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// Diagnostic is one thing wrong with a configuration, and where. File, Start
// and End are always set, except for remarks on the configuration as a whole.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`             // "Unknown resource"
	Text     string   `json:"text"`              // a sentence: what is wrong, and what to do
	File     string   `json:"file,omitempty"`    //
	Start    Point    `json:"start,omitzero"`    //
	End      Point    `json:"end,omitzero"`      // just behind the last character
	Context  string   `json:"context,omitempty"` // the block around it: `resource "vip" "web_ip"`
	Source   string   `json:"source,omitempty"`  // the line of Start
}

// Pos is the position as policy names it.
func (d Diagnostic) Pos() policy.Pos { return policy.Pos{File: d.File, Line: d.Start.Line} }

// Diagnostics is everything found in one reading, by document and position.
type Diagnostics []Diagnostic

// HasErrors says whether any of them refuses the configuration.
func (ds Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
}

// Errors are the errors among them.
func (ds Diagnostics) Errors() Diagnostics { return ds.only(Error) }

// Warnings are the warnings among them.
func (ds Diagnostics) Warnings() Diagnostics { return ds.only(Warning) }

func (ds Diagnostics) only(s Severity) Diagnostics {
	var out Diagnostics
	for _, d := range ds {
		if d.Severity == s {
			out = append(out, d)
		}
	}
	return out
}

// Err is nil without errors, and otherwise an error of one line.
func (ds Diagnostics) Err() error {
	errs := ds.Errors()
	if len(errs) == 0 {
		return nil
	}
	first := errs[0]
	msg := fmt.Sprintf("%s: %s: %s", first.Pos(), first.Title, first.Text)
	if more := len(errs) - 1; more > 0 {
		msg += fmt.Sprintf(" (and %d more)", more)
	}
	return fmt.Errorf("the configuration has errors: %s", msg)
}

func (ds Diagnostics) sort() {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Start.Byte, b.Start.Byte))
	})
}

// Render writes the diagnostics for people, one paragraph each. With color the
// severity is coloured and the faulty characters are underlined, by ANSI codes.
func (ds Diagnostics) Render(color bool) string {
	var b strings.Builder
	for i, d := range ds {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.Render(color))
	}
	return b.String()
}

// String is Render without colour.
func (ds Diagnostics) String() string { return ds.Render(false) }

// Render writes one diagnostic:
//
//	Error: Unknown resource
//	  on nginx.hcl line 5, in resource "vip" "web_ip":
//	   5:   with = [ngnix]
//	there is no resource named "ngnix". Did you mean "nginx"?
func (d Diagnostic) Render(color bool) string {
	var b strings.Builder
	word, paint := "Error", "\x1b[1;31m"
	if d.Severity == Warning {
		word, paint = "Warning", "\x1b[1;33m"
	}
	if color {
		word = paint + word + "\x1b[0m"
	}
	fmt.Fprintf(&b, "%s: %s\n", word, d.Title)
	if d.File != "" {
		fmt.Fprintf(&b, "  on %s line %d", d.File, d.Start.Line)
		if d.Context != "" {
			fmt.Fprintf(&b, ", in %s", d.Context)
		}
		b.WriteString(":\n")
		src := d.Source
		if color {
			src = d.underlined()
		}
		fmt.Fprintf(&b, "%4d: %s\n", d.Start.Line, src)
	}
	b.WriteString(d.Text)
	b.WriteByte('\n')
	return b.String()
}

// underlined marks the faulty characters of the source line.
func (d Diagnostic) underlined() string {
	runes := []rune(d.Source)
	lineStart := d.Start.Byte - len(string(runes[:min(max(d.Start.Column-1, 0), len(runes))]))
	from, to := d.Start.Byte-lineStart, min(d.End.Byte-lineStart, len(d.Source))
	if from < 0 || from >= to {
		return d.Source
	}
	return d.Source[:from] + "\x1b[4m" + d.Source[from:to] + "\x1b[0m" + d.Source[to:]
}

// String is Render without colour.
func (d Diagnostic) String() string { return d.Render(false) }
