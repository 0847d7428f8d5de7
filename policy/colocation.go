package policy

// colocation says that the dependent goes where the primary is, or stays away.
type colocation struct {
	id        string
	pos       Pos
	dependent *resource
	primary   *resource
	score     int
	depRole   role
	priRole   role
	attribute string // node attribute to compare; "#uname" unless set
	influence bool
	explicit  bool
}

// readColocation reads a configured colocation.
func (m *model) readColocation(c *Colocation) {
	score := 0
	if c.Score != "" {
		var ok bool
		if score, ok = m.colours.parseScore(c.Score, 0); !ok {
			m.problem(true, c.ID, c.Pos, "score %q of constraint %q is no score; it is ignored", c.Score, c.ID)
		}
	}
	sets := c.Sets
	if len(sets) == 0 {
		depMany, priMany := m.isCollection(c.Resource), m.isCollection(c.With)
		if depMany && priMany {
			m.problem(true, c.ID, c.Pos, "constraint %q may name a template or tag on one side only; it is ignored", c.ID)
			return
		}
		if depMany || priMany {
			sets = []ResourceSet{m.asSet(c.Resource, c.ResourceRole, ""), m.asSet(c.With, c.WithRole, "")}
		}
	}
	if len(sets) > 0 {
		m.readColocationSets(c, m.expandSets(sets, c.ID, c.Pos), score)
		return
	}
	dep, pri := m.lookup(c.Resource), m.lookup(c.With)
	if dep == nil {
		m.missing(c.Resource, c.ID, c.Pos)
		return
	}
	if pri == nil {
		m.missing(c.With, c.ID, c.Pos)
		return
	}
	if c.ResourceInstance != "" && dep.isClone() {
		dep = m.numbered(dep, c.ResourceInstance)
	}
	if c.WithInstance != "" && pri.isClone() {
		pri = m.numbered(pri, c.WithInstance)
	}
	depRole, ok1 := colocationRole(c.ResourceRole)
	priRole, ok2 := colocationRole(c.WithRole)
	if !ok1 || !ok2 || dep == nil || pri == nil {
		m.problem(true, c.ID, c.Pos, "constraint %q has an invalid role or instance; it is ignored", c.ID)
		return
	}
	m.addColocation(&colocation{
		id: c.ID, pos: c.Pos, dependent: dep, primary: pri, score: score, depRole: depRole, priRole: priRole,
		attribute: c.NodeAttribute, influence: influenceOf(c.Influence, dep), explicit: true,
	})
}

// numbered finds an instance of a clone by number.
func (m *model) numbered(clone *resource, number string) *resource {
	v, ok := parseInt(number)
	if !ok {
		return nil
	}
	for _, c := range clone.children {
		if int64(c.instance) == v {
			return c
		}
	}
	return nil
}

func influenceOf(text string, dependent *resource) bool {
	if v, ok := parseBool(text); ok {
		return v
	}
	return dependent.critical
}

func colocationRole(text string) (role, bool) {
	if text == "" {
		return unknown, true
	}
	v := parseRole(text)
	if v == started {
		return unknown, true
	}
	return v, v != unknown
}

// readColocationSets colocates the members of each set, and each set with the
// next one.
func (m *model) readColocationSets(c *Colocation, sets []ResourceSet, score int) {
	var before *ResourceSet
	for i := range sets {
		s := &sets[i]
		m.colocateInside(c, s, score)
		if before != nil && score != 0 {
			m.colocateBetween(c, before, s, score)
		}
		before = s
	}
}

func sequential(s *ResourceSet) bool {
	v, ok := parseBool(s.Sequential)
	return v || !ok
}

func (m *model) colocateInside(c *Colocation, s *ResourceSet, score int) {
	if s.Score != "" {
		score, _ = m.colours.parseScore(s.Score, 0)
	}
	setRole, ok := colocationRole(s.Role)
	if score == 0 || !sequential(s) || !ok {
		return
	}
	add := func(dep, pri *resource) {
		m.addColocation(&colocation{
			id: either(s.ID, c.ID), pos: c.Pos, dependent: dep, primary: pri, score: score,
			depRole: setRole, priRole: setRole, influence: influenceOf(c.Influence, dep), explicit: true,
		})
	}
	list, _ := m.members(s, c.ID, c.Pos)
	for i := 1; i < len(list); i++ {
		switch {
		case score < 0:
			for j := range i {
				add(list[i], list[j])
			}
		case s.Ordering != "" && s.Ordering != "group":
			add(list[i-1], list[i])
		default:
			add(list[i], list[i-1])
		}
	}
}

func (m *model) colocateBetween(c *Colocation, s1, s2 *ResourceSet, score int) {
	deps, _ := m.members(s1, c.ID, c.Pos)
	pris, _ := m.members(s2, c.ID, c.Pos)
	r1, ok1 := colocationRole(s1.Role)
	r2, ok2 := colocationRole(s2.Role)
	if len(deps) == 0 || len(pris) == 0 || !ok1 || !ok2 {
		return
	}
	if sequential(s1) {
		deps = deps[:1]
	}
	if sequential(s2) {
		pris = pris[len(pris)-1:]
	}
	for _, d := range deps {
		for _, p := range pris {
			m.addColocation(&colocation{
				id: c.ID, pos: c.Pos, dependent: d, primary: p, score: score, depRole: r1, priRole: r2,
				attribute: c.NodeAttribute, influence: influenceOf(c.Influence, d), explicit: true,
			})
		}
	}
}

// addColocation makes a colocation known to both sides.
func (m *model) addColocation(c *colocation) {
	if c.score == 0 || c.dependent == c.primary {
		return
	}
	if c.attribute == "" {
		c.attribute = "#uname"
	}
	c.dependent.thisWith = insertColocation(c.dependent.thisWith, c, byPrimary)
	c.primary.withThis = insertColocation(c.primary.withThis, c, byDependent)
	if c.score <= -infinity {
		m.orderApart(c)
	}
}

// orderApart makes one side leave a node before the other arrives there.
func (m *model) orderApart(c *colocation) {
	m.orderLeaving(c.dependent, c.depRole, c.primary, c.priRole)
	m.orderLeaving(c.primary, c.priRole, c.dependent, c.depRole)
}

func (m *model) orderLeaving(x *resource, xRole role, y *resource, yRole role) {
	leaving := []string{TaskStop}
	switch xRole {
	case promoted:
		leaving = []string{TaskDemote}
	case unpromoted:
		leaving = []string{TaskStop, TaskPromote}
	}
	arriving := []string{TaskStart}
	switch yRole {
	case promoted:
		arriving = []string{TaskPromote}
	case unpromoted:
		arriving = []string{TaskStart, TaskDemote}
	}
	for _, l := range leaving {
		for _, a := range arriving {
			m.order(x, opKey{l, 0}, y, opKey{a, 0}, ifRequiredOnSameNode)
		}
	}
}
