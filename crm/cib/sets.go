package cib

import "github.com/holdfast-ha/holdfast/policy"

// sets reads the child sets of one kind, in document order.
func (in *importer) sets(parent *element, kind string) []policy.NVSet {
	var out []policy.NVSet
	for _, e := range parent.children {
		if e.name == kind {
			out = append(out, in.set(e))
		}
	}
	return out
}

func (in *importer) set(e *element) policy.NVSet {
	s := policy.NVSet{ID: e.attr("id"), IDRef: e.attr("id-ref"), Score: e.attr("score"), Pos: in.pos(e)}
	for _, c := range e.children {
		switch c.name {
		case "rule":
			s.Rules = append(s.Rules, in.rule(c))
		case "nvpair":
			s.Pairs = append(s.Pairs, in.pair(c))
		case "attributes":
			// Documents of the 0.6 series wrap the pairs once more.
			for _, p := range c.children {
				if p.name == "nvpair" {
					s.Pairs = append(s.Pairs, in.pair(p))
				}
			}
		default:
			in.unknown(c, e)
		}
	}
	return s
}

func (in *importer) pair(e *element) policy.Pair {
	value, ok := e.lookup("value")
	return policy.Pair{
		ID: e.attr("id"), IDRef: e.attr("id-ref"), Name: e.attr("name"),
		Value: value, NoValue: !ok, Pos: in.pos(e),
	}
}
