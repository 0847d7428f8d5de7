package policy

// relFlags say what one action means for another that comes after it. "First"
// and "then" are the two.
type relFlags uint32

const (
	ordered                  relFlags = 1 << iota // keeps the order if both happen
	serialize                                     // never at the same time
	asymmetric                                    // first impossible: then becomes required and impossible
	firstImpliesThen                              // first required: then required
	firstImpliesSameNodeThen                      // the same, on first's node
	thenImpliesFirst                              // then required: first required
	promotedThenImpliesFirst                      // the same, if then's resource is promoted
	intermediateStop                              // a restart between stop and start of one resource
	unrunnableFirstBlocks                         // first impossible: then impossible
	nestedRemoteProbe                             // the same, unless first's resource is active
	minRunnable                                   // counts possible firsts
	unmigratableThenBlocks                        // then cannot migrate: first impossible
	firstElseThen                                 // first impossible: then is a real action
	thenImpliesFirstGraphed                       // then required: first is shown
	firstImpliesThenGraphed                       // first required: then is shown
	ifOnSameNode                                  // only if both are on one node
	ifOnSameNodeOrTarget                          // the same, for the node of a migration
	ifRequiredOnSameNode                          // the same, if first is required
	ifFirstUnmigratable                           // only if first is no migration
	thenCancelsFirst                              // then required: first not needed
	guestAllowed                                  // may tie a guest to its own container
)

// relation ties an action to one that comes after it.
type relation struct {
	first, then *action
	flags       relFlags // 0: disabled
	asMade      relFlags
	graphed     bool
}

// relate ties two actions, unless an earlier relation between them says part
// of the same.
func (m *model) relate(first, then *action, flags relFlags) bool {
	if flags == 0 || first == then {
		return false
	}
	if len(first.after) < len(then.before) {
		for _, r := range first.after {
			if r.then == then && r.asMade&flags != 0 {
				return false
			}
		}
	} else {
		for _, r := range then.before {
			if r.first == first && r.asMade&flags != 0 {
				return false
			}
		}
	}
	r := &relation{first: first, then: then, flags: flags, asMade: flags}
	first.after = append(first.after, r)
	then.before = append(then.before, r)
	return true
}

// maxUpdates bounds, per action, how often the relations may work on each
// other. Orderings that contradict each other might never settle.
const maxUpdates = 2000

// applyOrderings turns the orderings into relations of actions and lets them
// work on each other until nothing changes.
func (m *model) applyOrderings() {
	for i := 0; i < len(m.orderings); i++ {
		m.applyOrdering(m.orderings[i])
	}
	m.updates = maxUpdates * (1 + len(m.actions))
	for i := len(m.actions) - 1; i >= 0; i-- {
		m.blockDependents(m.actions[i])
	}
	m.orderProbes()
	for i := len(m.actions) - 1; i >= 0; i-- {
		m.update(m.actions[i])
	}
	m.disableInvalid()
}

// applyOrdering finds the actions that an ordering means.
func (m *model) applyOrdering(o *ordering) {
	if o.firstRsc == nil {
		if o.thenRsc != nil {
			m.applyAfter(o.first, o)
		} else {
			m.relate(o.first, o.then, o.flags)
		}
		return
	}
	var firsts []*action
	if o.first != nil {
		firsts = []*action{o.first}
	} else {
		firsts = o.firstRsc.byKey[o.firstKey]
	}
	if len(firsts) == 0 {
		if o.firstRsc == o.thenRsc {
			return
		}
		state := o.firstRsc.state()
		if o.firstKey.task == TaskStop && state == stopped || o.firstKey.task == TaskDemote && state == unpromoted {
			return
		}
		firsts = []*action{m.create(o.firstRsc, o.firstKey.task, o.firstKey.interval, nil, true)}
	}
	for _, f := range firsts {
		switch {
		case o.thenRsc != nil:
			m.applyAfter(f, o)
		case o.then != nil:
			m.relate(f, o.then, o.flags)
		}
	}
}

func (m *model) applyAfter(f *action, o *ordering) {
	thens := o.thenRsc.byKey[o.thenKey]
	if o.then != nil {
		thens = []*action{o.then}
	}
	flags := o.flags
	if f != nil && f.rsc == o.thenRsc && f.is(actMigrationAbort) {
		flags &^= firstImpliesThen
	}
	for _, t := range thens {
		if f != nil {
			m.relate(f, t, flags)
		} else if flags&firstImpliesThen != 0 {
			t.flags &^= actRunnable
		}
	}
}
