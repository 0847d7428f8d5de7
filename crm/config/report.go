package config

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/policy"
)

// file is one parsed document.
type file struct {
	name string
	text []byte
	body *hclsyntax.Body
}

// report gathers diagnostics and knows the texts that they point into.
type report struct {
	files   map[string]*file
	found   Diagnostics
	dropped int
	partial bool // a document could not be read, so names may be missing for that reason
}

func (r *report) errorf(rng hcl.Range, title, format string, args ...any) {
	r.add(Error, rng, title, fmt.Sprintf(format, args...))
}

func (r *report) warnf(rng hcl.Range, title, format string, args ...any) {
	r.add(Warning, rng, title, fmt.Sprintf(format, args...))
}

func (r *report) add(sev Severity, rng hcl.Range, title, text string) {
	if len(r.found) >= maxFindings {
		r.dropped++
		return
	}
	d := Diagnostic{
		Severity: sev, Title: title, Text: text, File: rng.Filename,
		Start: Point{Line: rng.Start.Line, Column: rng.Start.Column, Byte: rng.Start.Byte},
		End:   Point{Line: rng.End.Line, Column: rng.End.Column, Byte: rng.End.Byte},
	}
	if f := r.files[rng.Filename]; f != nil {
		d.Source = lineAt(f.text, rng.Start.Byte)
		d.Context = contextAt(f.body, rng.Start.Byte)
	}
	for _, old := range r.found {
		if old.Title == d.Title && old.Text == d.Text && old.File == d.File && old.Start == d.Start {
			return // for_each reads one text many times
		}
	}
	r.found = append(r.found, d)
}

// addHCL takes over what the parser or the evaluator found.
func (r *report) addHCL(diags hcl.Diagnostics) {
	for _, d := range diags {
		var rng hcl.Range
		if d.Subject != nil {
			rng = *d.Subject
		} else if d.Context != nil {
			rng = *d.Context
		}
		sev := Error
		if d.Severity == hcl.DiagWarning {
			sev = Warning
		}
		r.add(sev, rng, d.Summary, steady(strings.Replace(d.Detail, "..", ".", 1)))
	}
}

// steady replaces the parser's suggestion of a function, which may differ from
// one run to the next.
func steady(detail string) string {
	const prefix = "There is no function named \""
	rest, ok := strings.CutPrefix(detail, prefix)
	name, _, closed := strings.Cut(rest, "\"")
	if !ok || !closed {
		return detail
	}
	return prefix + name + "\"." + didYouMean(name, sortedKeys(functions()))
}

// finish sorts, and says how much was left out.
func (r *report) finish() Diagnostics {
	r.found.sort()
	if r.dropped > 0 {
		r.found = append(r.found, Diagnostic{
			Severity: Error, Title: "Too many problems",
			Text: fmt.Sprintf("%d more were found; mend these first", r.dropped),
		})
	}
	return r.found
}

// lineAt is the line around a byte, without its end. A very long line is cut.
func lineAt(text []byte, at int) string {
	at = min(max(at, 0), len(text))
	from := bytes.LastIndexByte(text[:at], '\n') + 1
	to := len(text)
	if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
		to = at + n
	}
	const most = 400
	return strings.ToValidUTF8(strings.TrimSuffix(string(text[from:min(to, from+most)]), "\r"), "\ufffd")
}

// details are blocks too small to name in a diagnostic: the block around them
// says more.
var details = map[string]bool{"op": true, "level": true, "recipient": true, "permission": true, "network": true, "check": true}

// contextAt names the innermost block with a label around a place, or the
// outermost block when none has.
func contextAt(body *hclsyntax.Body, at int) string {
	context := ""
	for body != nil {
		var inner *hclsyntax.Block
		for _, b := range body.Blocks {
			if rng := b.Range(); rng.Start.Byte <= at && at < b.Body.EndRange.End.Byte+1 && at <= b.CloseBraceRange.End.Byte {
				inner = b
				break
			}
		}
		if inner == nil {
			break
		}
		if context == "" || (len(inner.Labels) > 0 && !details[inner.Type]) {
			context = blockTitle(inner)
		}
		body = inner.Body
	}
	return context
}

// blockTitle is a block's type and labels as written.
func blockTitle(b *hclsyntax.Block) string {
	var s strings.Builder
	s.WriteString(b.Type)
	for _, l := range b.Labels {
		fmt.Fprintf(&s, " %q", l)
	}
	return s.String()
}

func posOf(rng hcl.Range) policy.Pos {
	return policy.Pos{File: rng.Filename, Line: rng.Start.Line}
}

// lineRange is the line of a position, from its first letter.
func (r *report) lineRange(p policy.Pos) hcl.Range {
	rng := hcl.Range{Filename: p.File, Start: hcl.Pos{Line: p.Line, Column: 1}, End: hcl.Pos{Line: p.Line, Column: 1}}
	if f := r.files[p.File]; f != nil && p.Line > 0 {
		lines := strings.SplitAfter(string(f.text), "\n")
		for _, l := range lines[:min(p.Line-1, len(lines))] {
			rng.Start.Byte += len(l)
		}
		text := lineAt(f.text, rng.Start.Byte)
		blank := len(text) - len(strings.TrimLeft(text, " \t"))
		rng.Start.Byte += blank
		rng.Start.Column += blank
		rng.End = rng.Start
		rng.End.Byte += len(text) - blank
		rng.End.Column += len(text) - blank
	}
	return rng
}
