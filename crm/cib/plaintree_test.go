package cib

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strings"
	"testing"
)

// plainTree prints the configuration of a CIB without what may differ between
// two documents that say the same: ids that nothing refers to, the order of
// attributes and of elements of different kinds, empty sections, and the ways
// to write a default.
func plainTree(t testing.TB, text []byte) string {
	t.Helper()
	root, err := parse(bytes.NewReader(text), "x.xml", MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	p := plainer{referred: map[string]bool{}}
	p.collect(root)
	p.print(root.child("configuration"), 0)
	return p.out.String()
}

type plainer struct {
	referred map[string]bool
	out      strings.Builder
}

func (p *plainer) collect(e *element) {
	p.referred[e.attr("id-ref")] = true
	if e.name == "acl_permission" {
		p.referred[e.attr("reference")] = true
	}
	for _, c := range e.children {
		p.collect(c)
	}
}

// namedElements have ids that people gave them.
var namedElements = []string{
	"node", "primitive", "group", "clone", "bundle", "template", "rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket",
	"tag", "obj_ref", "resource_ref", "alert", "acl_role", "acl_target", "acl_group", "role",
}

// sayNothingEmpty are elements that say nothing without children.
var sayNothingEmpty = []string{
	"operations", "network", "storage", "tags", "fencing-topology", "acls", "alerts", "rsc_defaults", "op_defaults",
}

func (p *plainer) print(e *element, depth int) {
	if slices.Contains(sayNothingEmpty, e.name) && len(e.children) == 0 && len(p.attributes(e)) == 0 {
		return
	}
	p.out.WriteString(strings.Repeat(" ", depth) + e.name)
	for _, a := range p.attributes(e) {
		p.out.WriteString(" " + a)
	}
	p.out.WriteByte('\n')
	children := slices.Clone(e.children)
	if e.name != "rule" && e.name != "constraints" {
		slices.SortStableFunc(children, func(a, b *element) int { return strings.Compare(kindOrder(a), kindOrder(b)) })
	}
	for _, c := range children {
		p.print(c, depth+1)
	}
}

// kindOrder keeps the order of resources among each other.
func kindOrder(e *element) string {
	switch e.name {
	case "primitive", "group", "clone", "bundle":
		return "resource"
	}
	return e.name
}

func (p *plainer) attributes(e *element) []string {
	attrs := slices.Clone(e.attrs)
	if _, ok := e.lookup("boolean-op"); e.name == "rule" && !ok && e.attr("id-ref") == "" {
		attrs = append(attrs, xml.Attr{Name: xml.Name{Local: "boolean-op"}, Value: "and"})
	}
	var out []string
	for _, a := range attrs {
		name, value := a.Name.Local, a.Value
		switch {
		case name == "id" && !slices.Contains(namedElements, e.name) && !p.referred[value]:
			continue
		case name == "boolean-op" && len(e.children) < 2:
			value = "and"
		case strings.HasSuffix(name, "role") && value == "Master":
			value = "Promoted"
		case strings.HasSuffix(name, "role") && value == "Slave":
			value = "Unpromoted"
		case name == "devices":
			value = strings.Join(commaList(value), ",")
		}
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return out
}
