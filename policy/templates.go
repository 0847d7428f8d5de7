package policy

import "slices"

// expandTemplate merges a primitive with the template it takes from.
func (m *model) expandTemplate(c *Resource) *Resource {
	var t *Resource
	for i := range m.cfg.Templates {
		if m.cfg.Templates[i].ID == c.Template {
			t = &m.cfg.Templates[i]
		}
	}
	if t == nil || c.Template == c.ID {
		m.problem(true, c.ID, c.Pos, "template %q does not exist; resource %q is ignored", c.Template, c.ID)
		return nil
	}
	r := *t
	r.ID, r.Kind, r.Pos, r.Template = c.ID, Primitive, c.Pos, c.Template
	r.Meta = slices.Concat(t.Meta, c.Meta)
	r.Params = slices.Concat(t.Params, c.Params)
	r.Utilization = slices.Concat(t.Utilization, c.Utilization)
	r.Operations = m.mergeOperations(t.Operations, c.Operations)
	return &r
}

// mergeOperations adds those of the template that the primitive does not name
// itself. The interval makes no difference.
func (m *model) mergeOperations(t, own Operations) Operations {
	t, own = m.resolveOperations(t), m.resolveOperations(own)
	if len(own.List) == 0 {
		return t
	}
	type key struct {
		name string
		role string
	}
	keyOf := func(op *Op) key {
		r := attr(op.Attributes, "role")
		switch r {
		case "Started", "Unpromoted", "Slave":
			r = ""
		case "Master":
			r = "Promoted"
		}
		return key{op.Name, r}
	}
	have := map[key]bool{}
	merged := Operations{List: slices.Clone(own.List)}
	for i := range own.List {
		have[keyOf(&own.List[i])] = true
	}
	for i := range t.List {
		if !have[keyOf(&t.List[i])] {
			merged.List = append(merged.List, t.List[i])
		}
	}
	return merged
}

func (m *model) resolveOperations(o Operations) Operations {
	if o.IDRef != "" {
		if target := m.refs().ops[o.IDRef]; target != nil {
			return *target
		}
		m.problem(true, o.IDRef, Pos{}, "id-ref %q names no operations", o.IDRef)
		return Operations{}
	}
	return o
}

func (m *model) noteTemplate(template, id string) {
	if list := m.byTemplate[template]; !slices.Contains(list, id) {
		m.byTemplate[template] = append(list, id)
	}
}
