package policy

import "strings"

// ordering asks that one operation runs before another. Its sides name
// resources and operations, or single actions; actions are looked up when all
// of them exist.
type ordering struct {
	firstRsc, thenRsc *resource
	first, then       *action
	firstKey, thenKey opKey
	flags             relFlags
}

// order adds an ordering between operations of resources.
func (m *model) order(first *resource, firstKey opKey, then *resource, thenKey opKey, flags relFlags) {
	m.addOrdering(&ordering{firstRsc: first, firstKey: firstKey, thenRsc: then, thenKey: thenKey, flags: flags})
}

// orderActions adds an ordering between two actions.
func (m *model) orderActions(first, then *action, flags relFlags) {
	m.addOrdering(&ordering{
		firstRsc: first.rsc, first: first, firstKey: first.key,
		thenRsc: then.rsc, then: then, thenKey: then.key, flags: flags,
	})
}

// orderAfterAction lets an operation of a resource wait for an action.
func (m *model) orderAfterAction(first *action, then *resource, thenKey opKey, flags relFlags) {
	m.addOrdering(&ordering{
		firstRsc: first.rsc, first: first, firstKey: first.key, thenRsc: then, thenKey: thenKey, flags: flags,
	})
}

// orderBeforeAction lets an action wait for an operation of a resource.
func (m *model) orderBeforeAction(first *resource, firstKey opKey, then *action, flags relFlags) {
	m.addOrdering(&ordering{
		firstRsc: first, firstKey: firstKey, thenRsc: then.rsc, then: then, thenKey: then.key, flags: flags,
	})
}

// addOrdering notes an ordering, and what it means for live migrations.
func (m *model) addOrdering(o *ordering) {
	m.orderings = append(m.orderings, o)
	a, b := o.firstRsc, o.thenRsc
	if a == nil || b == nil || a == b || !a.migratable && !b.migratable || a.isAncestorOf(b) || b.isAncestorOf(a) {
		return
	}
	unlessFirstMigrates := ordered
	if a.migratable {
		unlessFirstMigrates |= ifFirstUnmigratable
	}
	add := func(first, then string, flags relFlags) { m.order(a, opKey{first, 0}, b, opKey{then, 0}, flags) }
	switch first, then := o.firstKey.task, o.thenKey.task; {
	case first == TaskStart && then == TaskStart:
		if a.migratable && b.migratable {
			add(TaskMigrateFrom, TaskMigrateTo, ordered)
		}
		if b.migratable {
			add(TaskStart, TaskMigrateTo, unlessFirstMigrates)
		}
	case !b.migratable:
	case first == TaskStop && then == TaskStop:
		add(TaskStop, TaskMigrateTo, unlessFirstMigrates)
		if b.partialTarget != nil {
			add(TaskStop, TaskMigrateFrom, unlessFirstMigrates)
		}
	case first == TaskPromote && then == TaskStart:
		add(TaskPromote, TaskMigrateTo, ordered)
	case first == TaskDemote && then == TaskStop:
		add(TaskDemote, TaskMigrateTo, ordered)
		if b.partialTarget != nil {
			add(TaskDemote, TaskMigrateFrom, ordered)
		}
	}
}

// orderKind is how binding an order constraint is.
type orderKind uint8

const (
	orderMandatory orderKind = iota
	orderOptional
	orderSerialize
)

func (m *model) orderKind(kind, score, id string, pos Pos) orderKind {
	switch kind {
	case "Mandatory":
		return orderMandatory
	case "Optional":
		return orderOptional
	case "Serialize":
		return orderSerialize
	case "":
		if score != "" {
			if v, _ := m.colours.parseScore(score, 0); v == 0 {
				return orderOptional
			}
		}
		return orderMandatory
	}
	m.problem(true, id, pos, "kind %q of constraint %q is unknown; Mandatory is used", kind, id)
	return orderMandatory
}

// inverse is the task that undoes another; "" if there is none.
func inverse(task string) string {
	switch task {
	case TaskStart:
		return TaskStop
	case TaskStop:
		return TaskStart
	case TaskPromote:
		return TaskDemote
	case TaskDemote:
		return TaskPromote
	case "promoted":
		return "demoted"
	case "demoted":
		return "promoted"
	case "running":
		return "stopped"
	case "stopped":
		return "running"
	}
	return ""
}

// forwardFlags are the flags of "first-action, then then-action".
func forwardFlags(kind orderKind, symmetrical bool, firstAction string) relFlags {
	switch {
	case kind == orderOptional:
		return ordered
	case kind == orderSerialize:
		return serialize
	case !symmetrical:
		return ordered | asymmetric
	}
	f := ordered | firstImpliesThen
	switch firstAction {
	case TaskStart, TaskPromote, TaskMigrateFrom:
		f |= unrunnableFirstBlocks
	}
	return f
}

func inverseFlags(kind orderKind) relFlags {
	if kind == orderOptional {
		return ordered
	}
	return ordered | thenImpliesFirst
}

// symmetry tells whether an order constraint also orders the opposite.
func (m *model) symmetry(text string, kind orderKind, id string, pos Pos) bool {
	v, ok := parseBool(text)
	if kind == orderSerialize {
		if ok && v {
			m.problem(false, id, pos, "symmetrical of %q makes no sense for Serialize; it is ignored", id)
		}
		return false
	}
	return v || !ok
}

// readOrder reads a configured order.
func (m *model) readOrder(c *Order) {
	if c.ID == "" {
		m.problem(true, c.ID, c.Pos, "an order without id is ignored")
		return
	}
	kind := m.orderKind(c.Kind, c.Score, c.ID, c.Pos)
	firstAction := either(strings.ToLower(c.FirstAction), TaskStart)
	thenAction := either(strings.ToLower(c.ThenAction), firstAction)
	sets := c.Sets
	if len(sets) == 0 && (m.isCollection(c.First) || m.isCollection(c.Then)) {
		sets = []ResourceSet{m.asSet(c.First, "", c.FirstAction), m.asSet(c.Then, "", c.ThenAction)}
	}
	if len(sets) > 0 {
		m.readOrderSets(c, m.expandSets(sets, c.ID, c.Pos), kind)
		return
	}
	first, then := m.lookup(c.First), m.lookup(c.Then)
	if first == nil {
		m.missing(c.First, c.ID, c.Pos)
		return
	}
	if then == nil {
		m.missing(c.Then, c.ID, c.Pos)
		return
	}
	if c.FirstInstance != "" && first.isClone() {
		first = m.numbered(first, c.FirstInstance)
	}
	if c.ThenInstance != "" && then.isClone() {
		then = m.numbered(then, c.ThenInstance)
	}
	if first == nil || then == nil {
		return
	}
	symmetrical := m.symmetry(c.Symmetrical, kind, c.ID, c.Pos)
	flags := forwardFlags(kind, symmetrical, firstAction)
	if minimum := minimumInstances(first, c.RequireAll); minimum > 0 {
		m.orderMinimum(c.ID, first, firstAction, then, thenAction, flags, minimum)
	} else {
		m.order(first, opKey{firstAction, 0}, then, opKey{thenAction, 0}, flags)
	}
	if !symmetrical {
		return
	}
	invFirst, invThen := inverse(firstAction), inverse(thenAction)
	if invFirst == "" || invThen == "" {
		m.problem(false, c.ID, c.Pos, "actions of %q have no opposite; the constraint works one way only", c.ID)
		return
	}
	m.order(then, opKey{invThen, 0}, first, opKey{invFirst, 0}, inverseFlags(kind))
}

// minimumInstances is how many instances of a clone suffice, 0 for all.
func minimumInstances(first *resource, requireAll string) int {
	if !first.isClone() {
		return 0
	}
	if v := intAtLeast(first.meta["clone-min"], 0); v > 0 {
		return v
	}
	if v, ok := parseBool(requireAll); ok && !v {
		return 1
	}
	return 0
}

// orderMinimum lets a resource wait for some instances of a clone.
func (m *model) orderMinimum(id string, clone *resource, firstAction string, then *resource, thenAction string, flags relFlags, minimum int) {
	gate := m.pseudoCluster("clone-one-or-more:" + id)
	gate.requiredBefore = minimum
	for _, c := range clone.children {
		m.orderBeforeAction(c, opKey{firstAction, 0}, gate, minRunnable|firstImpliesThenGraphed)
	}
	m.orderAfterAction(gate, then, opKey{thenAction, 0}, flags|unrunnableFirstBlocks)
}
