package policy

import (
	"slices"
	"strings"
)

// setKind tells apart the sets that id-ref may name.
type setKind uint8

const (
	optionSets setKind = iota
	metaSets
	paramSets
	utilizationSets
	setKinds
)

// refs finds the objects that an id-ref names. It is built only if some id-ref
// exists. An id that occurs twice finds nothing.
type refs struct {
	sets    [setKinds]map[string]*NVSet
	pairs   map[string]*Pair
	rules   map[string]*Rule
	ops     map[string]*Operations
	op      map[string]*Op
	rscSets map[string]*ResourceSet
}

// refs returns the index, building it on first use.
func (m *model) refs() *refs {
	if m.refIndex != nil {
		return m.refIndex
	}
	x := &refs{
		pairs: map[string]*Pair{}, rules: map[string]*Rule{}, ops: map[string]*Operations{},
		op: map[string]*Op{}, rscSets: map[string]*ResourceSet{},
	}
	for i := range x.sets {
		x.sets[i] = map[string]*NVSet{}
	}
	m.refIndex = x
	x.addSets(optionSets, m.cfg.Options)
	x.addSets(metaSets, m.cfg.ResourceDefaults)
	x.addSets(metaSets, m.cfg.OpDefaults)
	for i := range m.cfg.Nodes {
		x.addSets(paramSets, m.cfg.Nodes[i].Attributes)
		x.addSets(utilizationSets, m.cfg.Nodes[i].Utilization)
	}
	x.addResources(m.cfg.Templates)
	x.addResources(m.cfg.Resources)
	for i := range m.cfg.Constraints {
		x.addConstraint(&m.cfg.Constraints[i])
	}
	if m.st != nil {
		for i := range m.st.Nodes {
			x.addSets(paramSets, m.st.Nodes[i].Attributes)
		}
	}
	return x
}

func addRef[T any](index map[string]*T, id string, v *T) {
	if id == "" {
		return
	}
	if _, dup := index[id]; dup {
		v = nil
	}
	index[id] = v
}

func (x *refs) addSets(kind setKind, sets []NVSet) {
	for i := range sets {
		s := &sets[i]
		addRef(x.sets[kind], s.ID, s)
		for j := range s.Pairs {
			addRef(x.pairs, s.Pairs[j].ID, &s.Pairs[j])
		}
		x.addRules(s.Rules)
	}
}

func (x *refs) addRules(rules []Rule) {
	for i := range rules {
		addRef(x.rules, rules[i].ID, &rules[i])
		for _, c := range rules[i].Conditions {
			if c.Rule != nil && c.Rule.ID != "" {
				addRef(x.rules, c.Rule.ID, c.Rule)
			}
		}
	}
}

func (x *refs) addResources(list []Resource) {
	for i := range list {
		r := &list[i]
		x.addSets(metaSets, r.Meta)
		x.addSets(paramSets, r.Params)
		x.addSets(utilizationSets, r.Utilization)
		addRef(x.ops, r.Operations.ID, &r.Operations)
		for j := range r.Operations.List {
			op := &r.Operations.List[j]
			addRef(x.op, op.ID, op)
			x.addSets(metaSets, op.Meta)
			x.addSets(paramSets, op.Params)
		}
		x.addResources(r.Children)
	}
}

func (x *refs) addConstraint(c *Constraint) {
	var sets []ResourceSet
	switch {
	case c.Location != nil:
		x.addRules(c.Location.Rules)
		sets = c.Location.Sets
	case c.Colocation != nil:
		sets = c.Colocation.Sets
	case c.Order != nil:
		sets = c.Order.Sets
	case c.Ticket != nil:
		sets = c.Ticket.Sets
	}
	for i := range sets {
		addRef(x.rscSets, sets[i].ID, &sets[i])
	}
}

// resolveSet follows the id-ref of a set.
func (m *model) resolveSet(kind setKind, s *NVSet) *NVSet {
	if s.IDRef == "" {
		return s
	}
	target := m.refs().sets[kind][s.IDRef]
	if target == nil {
		m.problem(true, s.IDRef, s.Pos, "id-ref %q names no set", s.IDRef)
	}
	return target
}

// orderedSets returns the sets in the order of precedence: the one with id
// first, then by score, later ones before earlier ones.
func (m *model) orderedSets(kind setKind, sets []NVSet, first string) []*NVSet {
	list := make([]*NVSet, 0, len(sets))
	for i := len(sets) - 1; i >= 0; i-- {
		if s := m.resolveSet(kind, &sets[i]); s != nil {
			list = append(list, s)
		}
	}
	if len(list) > 1 {
		slices.SortStableFunc(list, func(a, b *NVSet) int {
			if first != "" && (a.ID == first) != (b.ID == first) {
				if a.ID == first {
					return -1
				}
				return 1
			}
			sa, _ := m.colours.parseScore(a.Score, 0)
			sb, _ := m.colours.parseScore(b.Score, 0)
			return sb - sa
		})
	}
	return list
}

// fill merges sets into a table that may hold values already: whoever is first
// wins, and the value "#default" takes a name out again.
func (m *model) fill(table map[string]string, kind setKind, sets []NVSet, first string, ctx *ruleContext) {
	if len(sets) == 0 {
		return
	}
	for _, s := range m.orderedSets(kind, sets, first) {
		if len(s.Rules) > 0 && !m.evalRule(&s.Rules[0], ctx) {
			continue
		}
		for i := range s.Pairs {
			m.fillPair(table, &s.Pairs[i])
		}
	}
}

func (m *model) fillPair(table map[string]string, p *Pair) {
	name, value, noValue := p.Name, p.Value, p.NoValue
	if p.IDRef != "" {
		target := m.refs().pairs[p.IDRef]
		if target == nil {
			return
		}
		if name == "" {
			name = target.Name
		}
		value, noValue = target.Value, target.NoValue
	}
	if name == "" || noValue {
		return
	}
	if strings.EqualFold(value, "#default") {
		delete(table, name)
	} else if _, have := table[name]; !have {
		table[name] = value
	}
}

// hasRules tells whether the values of the sets may depend on anything.
func (m *model) hasRules(kind setKind, sets []NVSet) bool {
	for i := range sets {
		if s := m.resolveSet(kind, &sets[i]); s != nil && len(s.Rules) > 0 {
			return true
		}
	}
	return false
}

// sortedKeys lists the keys of a table in byte order.
func sortedKeys[V any](table map[string]V) []string {
	keys := make([]string, 0, len(table))
	for k := range table {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
