package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Conflict is one object that two people changed in different ways.
type Conflict struct {
	Document string `json:"document"`
	Object   string `json:"object"` // `resource "vip" "web_ip"`, "options", or an argument inside of a block
	Base     string `json:"base"`   // texts; "" where the object does not exist
	Mine     string `json:"mine"`
	Theirs   string `json:"theirs"`
}

// String shows the conflict: what each side made of the lines of the base.
func (c Conflict) String() string {
	return fmt.Sprintf("%s in %s was changed on both sides\nmine:\n%stheirs:\n%s",
		c.Object, c.Document, indented(lineDiff(c.Base, c.Mine)), indented(lineDiff(c.Base, c.Theirs)))
}

// Rebase puts my changes of base on top of theirs. Changes of different objects
// merge; arguments of options, defaults and locals, and members of groups, count
// as objects of their own. Where both changed one object, their version stays
// in the set and the conflict is listed.
//
// The result is merged text. Two edits can each be right and contradict each
// other, so Decode must judge the result as it would any other.
func Rebase(base, mine, theirs Set) (Set, []Conflict) {
	out := NewSet(theirs.Documents...)
	var conflicts []Conflict
	for _, name := range documentNames(base, mine, theirs) {
		b, inBase := base.Document(name)
		m, inMine := mine.Document(name)
		t, inTheirs := theirs.Document(name)
		switch {
		case inMine == inBase && bytes.Equal(m.Text, b.Text):
			continue // nothing of mine
		case inTheirs == inBase && bytes.Equal(t.Text, b.Text):
			if inMine {
				out = out.With(m)
			} else {
				out = out.Without(name)
			}
			continue
		}
		merge := &merger{document: name}
		text := merge.body(string(b.Text), string(m.Text), string(t.Text), "")
		conflicts = append(conflicts, merge.conflicts...)
		if strings.TrimSpace(text) == "" && !inMine {
			out = out.Without(name)
			continue
		}
		out = out.With(Document{Name: name, Text: []byte(text)})
	}
	return out, conflicts
}

func documentNames(sets ...Set) []string {
	var names []string
	for _, s := range sets {
		for _, d := range s.Documents {
			names = append(names, d.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// merger merges one document.
type merger struct {
	document  string
	conflicts []Conflict
}

// segment is one argument or block with the comments above it: everything
// between the end of the one before and its own end of line.
type segment struct {
	key   string // unique within its body
	title string
	text  string
	body  [2]int // of a container: where its inside begins and ends in text; 0, 0 otherwise
}

// containers hold objects, or arguments that count as such.
var containers = map[string]bool{"options": true, "defaults": true, "locals": true, "group": true}

// segments cuts a body's text. ok is false for a text that cannot be parsed or
// has two things on one line.
func segments(text string) (list []segment, tail string, ok bool) {
	body, err := parseText("", []byte(text))
	if err != nil {
		return nil, "", false
	}
	type thing struct {
		from, to   int
		key, title string
		inside     [2]int
	}
	var things []thing
	for name, a := range body.Attributes {
		things = append(things, thing{from: a.SrcRange.Start.Byte, to: a.SrcRange.End.Byte, key: "argument " + name, title: name})
	}
	for _, b := range body.Blocks {
		t := thing{from: b.TypeRange.Start.Byte, to: b.CloseBraceRange.End.Byte, key: blockTitle(b), title: blockTitle(b)}
		if containers[b.Type] && b.OpenBraceRange.Start.Line != b.CloseBraceRange.Start.Line {
			t.inside = [2]int{b.OpenBraceRange.End.Byte, b.CloseBraceRange.Start.Byte}
		}
		things = append(things, t)
	}
	slices.SortFunc(things, func(a, b thing) int { return a.from - b.from })
	at, seen := 0, map[string]int{}
	for _, t := range things {
		end := lineEnd([]byte(text), t.to)
		if t.from < at {
			return nil, "", false
		}
		s := segment{key: t.key, title: t.title, text: text[at:end]}
		if t.inside[1] > 0 {
			s.body = [2]int{t.inside[0] - at, t.inside[1] - at}
		}
		if seen[t.key]++; seen[t.key] > 1 {
			s.key = fmt.Sprintf("%s #%d", t.key, seen[t.key])
		}
		list, at = append(list, s), end
	}
	return list, text[at:], true
}

// body merges three versions of one body.
func (m *merger) body(base, mine, theirs, inside string) string {
	b, _, okB := segments(base)
	mi, myTail, okM := segments(mine)
	th, tail, okT := segments(theirs)
	if !okB || !okM || !okT {
		m.conflict(orElse(inside, "the document"), base, mine, theirs)
		return theirs
	}
	out := slices.Clone(th)
	for i, s := range mi {
		out = m.one(out, b, s, mi[:i], inside)
	}
	for _, s := range b {
		if find(mi, s.key) < 0 {
			out = m.deleted(out, s, inside)
		}
	}
	var text strings.Builder
	for _, s := range out {
		text.WriteString(s.text)
		if !strings.HasSuffix(s.text, "\n") {
			text.WriteByte('\n')
		}
	}
	if len(th) == 0 && strings.TrimSpace(tail) == "" {
		tail = myTail
	}
	return text.String() + tail
}

func find(list []segment, key string) int {
	return slices.IndexFunc(list, func(s segment) bool { return s.key == key })
}

func same(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

// one brings one thing of mine into the result.
func (m *merger) one(out, base []segment, mine segment, before []segment, inside string) []segment {
	i, j := find(base, mine.key), find(out, mine.key)
	switch {
	case i >= 0 && same(base[i].text, mine.text): // not changed by me
		return out
	case j >= 0 && same(out[j].text, mine.text): // changed alike
		return out
	case j >= 0 && (i >= 0 && same(base[i].text, out[j].text)): // changed by me alone
		out[j].text = mine.text
		return out
	case i < 0 && j < 0: // new
		return insertAfter(out, mine, before)
	case i >= 0 && j < 0: // changed by me, deleted by them
		m.conflict(inside+mine.title, base[i].text, mine.text, "")
		return out
	}
	was := segment{}
	if i >= 0 {
		was = base[i]
	}
	if merged, ok := m.container(was, mine, out[j], inside); ok {
		out[j].text = merged
		return out
	}
	m.conflict(inside+mine.title, was.text, mine.text, out[j].text)
	return out
}

// container merges the insides of a block that both changed.
func (m *merger) container(base, mine, theirs segment, inside string) (string, bool) {
	if base.body[1] == 0 || mine.body[1] == 0 || theirs.body[1] == 0 {
		return "", false
	}
	part := func(s segment) string { return strings.TrimPrefix(s.text[s.body[0]:s.body[1]], "\n") }
	merged := m.body(part(base), part(mine), part(theirs), inside+mine.title+" / ")
	if merged != "" && !strings.HasSuffix(strings.TrimRight(merged, " \t"), "\n") {
		merged += "\n"
	}
	return theirs.text[:theirs.body[0]] + "\n" + merged + theirs.text[theirs.body[1]:], true
}

// deleted brings a deletion of mine into the result.
func (m *merger) deleted(out []segment, base segment, inside string) []segment {
	j := find(out, base.key)
	if j < 0 {
		return out
	}
	if same(out[j].text, base.text) {
		return slices.Delete(out, j, j+1)
	}
	m.conflict(inside+base.title, base.text, "", out[j].text)
	return out
}

// insertAfter puts a new thing behind the nearest one that stood before it.
func insertAfter(out []segment, s segment, before []segment) []segment {
	at := len(out)
	for k := len(before) - 1; k >= 0; k-- {
		if j := find(out, before[k].key); j >= 0 {
			at = j + 1
			break
		}
	}
	return slices.Insert(out, at, s)
}

func (m *merger) conflict(object, base, mine, theirs string) {
	trim := func(s string) string { return strings.TrimLeft(strings.TrimRight(s, " \t\n"), "\n") }
	m.conflicts = append(m.conflicts, Conflict{
		Document: m.document, Object: strings.TrimSuffix(object, " / "), Base: trim(base), Mine: trim(mine), Theirs: trim(theirs),
	})
}

// lineDiff shows what became of the lines of a text.
func lineDiff(old, new string) string {
	a, b := strings.Split(old, "\n"), strings.Split(new, "\n")
	if old == "" {
		a = nil
	}
	if new == "" {
		b = nil
	}
	var out strings.Builder
	for _, l := range matchLines(a, b) {
		out.WriteString(l + "\n")
	}
	return out.String()
}

// matchLines is a diff by the longest common subsequence; long texts are shown
// whole, one after the other.
func matchLines(a, b []string) []string {
	const most = 1000
	var out []string
	if len(a) > most || len(b) > most {
		for _, l := range a {
			out = append(out, "- "+l)
		}
		for _, l := range b {
			out = append(out, "+ "+l)
		}
		return out
	}
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}

func indented(text string) string {
	if text == "" {
		return "  (deleted)\n"
	}
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
