package policy

import (
	"regexp"
	"strings"
)

// location is one location constraint as applied to one resource.
type location struct {
	id     string
	pos    Pos
	rsc    *resource
	role   role // stopped or promoted filter; unknown: none
	probe  probeMode
	nodes  table
	health bool
}

// readLocation makes location constraints of a configured one: one for each
// resource that it names.
func (m *model) readLocation(c *Location) {
	if c.Pattern != "" {
		m.readPattern(c)
	}
	switch {
	case len(c.Sets) > 0:
		for _, s := range m.expandSets(c.Sets, c.ID, c.Pos) {
			list, complete := m.members(&s, c.ID, c.Pos)
			for _, r := range list {
				m.addLocation(c, r, either(s.Score, c.Score), either(s.Role, c.Role), nil)
			}
			if !complete {
				return
			}
		}
	case c.Resource == "":
	case m.lookup(c.Resource) != nil:
		m.addLocation(c, m.lookup(c.Resource), c.Score, c.Role, nil)
	case m.isCollection(c.Resource):
		ids, _ := m.referrers(c.Resource)
		for _, id := range ids {
			r := m.lookup(id)
			if r == nil {
				m.missing(id, c.ID, c.Pos)
				return
			}
			m.addLocation(c, r, c.Score, c.Role, nil)
		}
	default:
		m.missing(c.Resource, c.ID, c.Pos)
	}
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// readPattern applies a constraint to the top-level resources whose names
// match.
func (m *model) readPattern(c *Location) {
	pattern, invert := strings.CutPrefix(c.Pattern, "!")
	re, err := regexp.CompilePOSIX(pattern)
	if err != nil {
		m.problem(true, c.ID, c.Pos, "rsc-pattern %q of constraint %q is no regular expression", c.Pattern, c.ID)
		return
	}
	for _, r := range m.resources {
		matches := re.FindStringSubmatch(r.id)
		if (matches != nil) == invert {
			continue
		}
		if invert {
			matches = nil
		}
		m.addLocation(c, r, c.Score, c.Role, matches)
	}
}

// addLocation makes the constraint for one resource.
func (m *model) addLocation(c *Location, r *resource, score, roleText string, matches []string) {
	l := &location{id: c.ID, pos: c.Pos, rsc: r}
	if c.Node != "" && score != "" {
		n := m.nodeByName(c.Node)
		s, ok := m.colours.parseScore(score, 0)
		if !ok {
			m.problem(true, c.ID, c.Pos, "score %q of constraint %q is no score; 0 is used", score, c.ID)
		}
		if n == nil {
			return
		}
		if !l.filter(roleText) {
			m.problem(true, c.ID, c.Pos, "role %q of constraint %q is no role; it is ignored", roleText, c.ID)
			return
		}
		l.nodes.put(n, entry{score: s})
	} else if len(c.Rules) == 0 || !m.evalLocationRule(l, &c.Rules[0], r, matches) {
		return
	}
	m.readDiscovery(c, l)
	m.locations = append(m.locations, l)
	r.locations = append(r.locations, l)
}

// filter sets the role for which the constraint counts.
func (l *location) filter(text string) bool {
	if text == "" {
		return true
	}
	v := parseRole(text)
	if v == stopped || v == promoted {
		l.role = v
	}
	return v != unknown
}

func (m *model) readDiscovery(c *Location, l *location) {
	switch strings.ToLower(c.Discovery) {
	case "", "always":
	case "never":
		l.probe = probeNever
	case "exclusive":
		l.probe = probeExclusive
		l.rsc.exclusiveProbes = true
	default:
		m.problem(true, c.ID, c.Pos, "resource-discovery %q of constraint %q is unknown; always is used", c.Discovery, c.ID)
	}
	for i := range l.nodes {
		l.nodes[i].probe = l.probe
	}
}

// evalLocationRule finds the nodes of a rule and their scores.
func (m *model) evalLocationRule(l *location, rule *Rule, r *resource, matches []string) bool {
	if rule.IDRef != "" {
		if rule = m.refs().rules[rule.IDRef]; rule == nil {
			return false
		}
	}
	op := strings.ToLower(rule.BooleanOp)
	if rule.ID == "" || op != "" && op != "and" && op != "or" || !l.filter(rule.Role) {
		m.problem(true, l.id, l.pos, "the rule of constraint %q is not valid; the constraint is ignored", l.id)
		return false
	}
	score := 0
	attribute := expandMatches(rule.ScoreAttribute, matches)
	if attribute == "" {
		var ok bool
		if score, ok = m.colours.parseScore(rule.Score, 0); !ok {
			m.problem(true, l.id, l.pos, "score %q of constraint %q is no score; the constraint is ignored", rule.Score, l.id)
			return false
		}
	}
	for _, n := range m.nodes {
		ctx := &ruleContext{
			attrs: n.attrs, meta: r.meta, location: true, matches: matches,
			params: func() map[string]string { return m.paramsFor(r, n) },
		}
		if !m.evalRule(rule, ctx) {
			continue
		}
		s := score
		if attribute != "" {
			v, ok := m.colours.parseScore(m.attrForNow(r, n, attribute), 0)
			if !ok {
				continue
			}
			s = v
		}
		l.nodes.put(n, entry{score: s})
	}
	return true
}

// attrForNow reads a node attribute for a resource, from the host of a guest
// if the resource says so.
func (m *model) attrForNow(r *resource, n *node, name string) string {
	if r.onGuest == "host" && n.isGuest() {
		n = n.conn.launcher.current()
		if n == nil {
			return ""
		}
	}
	return n.attrs[name]
}

// applyLocation adds the scores of a constraint to a resource.
func (m *model) applyLocation(r *resource, l *location) {
	switch r.kind {
	case Group:
		m.applyLocationTo(r, l, false)
		for i, c := range r.children {
			m.applyLocationTo(c, l, i > 0 && r.colocated)
		}
	case Clone:
		m.applyLocationTo(r, l, false)
		for _, c := range r.children {
			m.applyLocation(c, l)
		}
	case Bundle:
		m.applyLocationTo(r, l, false)
		for _, p := range r.bundle.replicas {
			m.applyLocation(p.container, l)
			if p.ip != nil {
				m.applyLocation(p.ip, l)
			}
		}
		if l.role == promoted && r.bundle.inner != nil {
			m.applyLocation(r.bundle.inner, l)
			r.bundle.inner.locations = append(r.bundle.inner.locations, l)
		}
	default:
		m.applyLocationTo(r, l, false)
	}
}

func (l *location) cause() cause {
	if l.health {
		return cause{rule: "health", object: l.id}
	}
	return cause{rule: "location", object: l.id, pos: l.pos}
}

// applyLocationTo adds the scores to one table; with allowOnly, only makes the
// nodes known.
func (m *model) applyLocationTo(r *resource, l *location, allowOnly bool) {
	if l.role != unknown && r.next != l.role {
		return
	}
	for _, n := range m.nodes {
		from := l.nodes.at(n)
		if from == nil {
			continue
		}
		score := from.score
		if allowOnly {
			score = 0
		}
		e := r.allowed.at(n)
		if e == nil {
			e = r.allowed.put(n, entry{score: score, probe: n.probe})
		} else {
			e.score = addScores(e.score, score)
		}
		e.probe = max(e.probe, l.probe)
		if l.probe == probeExclusive {
			r.exclusiveProbes = true
		}
	}
}

// applyNodeCriteria brings everything that speaks for or against single nodes
// into the tables.
func (m *model) applyNodeCriteria() {
	m.applyShutdownLocks()
	m.noted(cause{rule: "shutdown-lock"})
	for i := len(m.locations) - 1; i >= 0; i-- {
		l := m.locations[i]
		m.applyLocation(l.rsc, l)
		m.noted(l.cause())
	}
	m.eachPrimitive(m.applyStickiness)
	m.noted(cause{rule: "stickiness"})
	for _, n := range m.nodes {
		for _, r := range m.resources {
			r.primitives(func(p *resource) {
				if !p.clearingScheduled(n) && m.reachedThreshold(p, n) {
					m.apply(p.scope(), n, -infinity)
					p.scope().placedBy = append(p.scope().placedBy, Reason{
						Rule: "failed-too-often", Object: p.name, Pos: p.cfg.Pos,
						Text: p.id + " failed on " + n.name + " as often as migration-threshold allows",
					})
				}
			})
			m.noted(cause{rule: "failed-too-often"})
			m.applyExclusive(r, n)
			m.noted(cause{rule: "resource-discovery"})
		}
	}
}

// applyStickiness makes a resource prefer to stay.
func (m *model) applyStickiness(r *resource) {
	if !r.managed || r.stickiness < 1 || len(r.active) != 1 {
		return
	}
	n := r.active[0]
	if m.opt.symmetric || r.allowed.at(n) != nil {
		m.apply(r, n, r.stickiness)
	}
}

// applyExclusive forbids nodes where a resource may not even be looked for.
func (m *model) applyExclusive(r *resource, n *node) {
	if !r.exclusiveProbes && !r.top.exclusiveProbes {
		return
	}
	for _, c := range r.children {
		m.applyExclusive(c, n)
	}
	if e := r.allowed.at(n); e != nil && e.probe != probeExclusive {
		e.score = -infinity
	}
}
