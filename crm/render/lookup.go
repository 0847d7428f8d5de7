package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// lookup answers questions about a view quickly.
type lookup struct {
	config    *policy.Config
	nodes     map[string]policy.NodeView
	members   int // nodes that are not remote
	exact     map[string][]policy.Placement
	instances map[string][]policy.Placement // by base name
	templates map[string]policy.Resource
	guests    map[string]bool
	unique    map[string]bool   // primitives in clones whose instances differ
	agents    map[string]string // of configured primitives, the parts of bundles included
}

func newLookup(v View) lookup {
	l := lookup{
		config:    v.Config,
		nodes:     make(map[string]policy.NodeView),
		exact:     make(map[string][]policy.Placement),
		instances: make(map[string][]policy.Placement),
		templates: make(map[string]policy.Resource),
		guests:    make(map[string]bool),
		agents:    make(map[string]string),
		unique:    make(map[string]bool),
	}
	if l.config == nil {
		l.config = &policy.Config{}
	}
	for _, n := range v.Nodes {
		l.nodes[n.Name] = n
		if !n.Remote {
			l.members++
		}
	}
	for _, p := range v.Placement {
		l.exact[p.Resource] = append(l.exact[p.Resource], p)
		l.instances[baseName(p.Resource)] = append(l.instances[baseName(p.Resource)], p)
	}
	for _, t := range l.config.Templates {
		l.templates[t.ID] = t
	}
	l.findGuests(l.config.Resources)
	l.findAgents(l.config.Resources)
	l.findUnique(l.config.Resources)
	return l
}

// findGuests notes the names of nodes that live in a resource.
func (l *lookup) findGuests(resources []policy.Resource) {
	for _, r := range resources {
		if name := l.meta(r, "remote-node"); name != "" {
			l.guests[name] = true
			l.agents[name] = "ocf:pacemaker:remote"
		}
		for k := range replicas(r) {
			l.guests[fmt.Sprintf("%s-%d", r.ID, k)] = true
		}
		l.findGuests(r.Children)
	}
}

// findUnique notes which primitives have instances with their own identity.
func (l *lookup) findUnique(resources []policy.Resource) {
	for _, r := range resources {
		if r.Kind != policy.Clone || len(r.Children) == 0 || !l.isUnique(r, r.Children[0]) {
			continue
		}
		l.unique[r.Children[0].ID] = true
		for _, m := range r.Children[0].Children {
			l.unique[m.ID] = true
		}
	}
}

// findAgents notes which agent each configured primitive has.
func (l *lookup) findAgents(resources []policy.Resource) {
	for _, r := range resources {
		if r.Kind == policy.Primitive {
			l.agents[r.ID] = l.agent(r)
		}
		for k := range replicas(r) {
			l.agents[containerName(r, strconv.Itoa(k))] = "ocf:heartbeat:" + r.Bundle.Runtime
			l.agents[fmt.Sprintf("%s-%d", r.ID, k)] = "ocf:pacemaker:remote"
			if address := bundleAddress(r, k); address != "" {
				l.agents[r.ID+"-ip-"+address] = "ocf:heartbeat:IPaddr2"
			}
		}
		l.findAgents(r.Children)
	}
}

// meta is a meta-attribute as far as it is plain to see: sets with rules do
// not count, a higher score wins, then the later set.
func (l *lookup) meta(r policy.Resource, name string) string {
	if value, ok := pairValue(r.Meta, name); ok {
		return value
	}
	if t, ok := l.templates[r.Template]; ok {
		value, _ := pairValue(t.Meta, name)
		return value
	}
	return ""
}

// inherited is a meta-attribute of r, or else of one of its parents, nearest
// first, or else of the resource defaults.
func (l *lookup) inherited(name string, r policy.Resource, parents ...policy.Resource) string {
	for _, x := range append([]policy.Resource{r}, parents...) {
		if value := l.meta(x, name); value != "" {
			return value
		}
	}
	value, _ := pairValue(l.config.ResourceDefaults, name)
	return value
}

func pairValue(sets []policy.NVSet, name string) (value string, found bool) {
	best := math.MinInt
	for _, s := range sets {
		score := score(s.Score)
		if len(s.Rules) > 0 || found && score < best {
			continue
		}
		for _, p := range s.Pairs {
			if p.Name == name && !p.NoValue {
				value, found, best = p.Value, true, score
				break
			}
		}
	}
	return value, found
}

func score(text string) int {
	switch text {
	case "INFINITY", "+INFINITY":
		return math.MaxInt
	case "-INFINITY":
		return math.MinInt
	}
	n, _ := strconv.Atoi(text)
	return n
}

// agent is "ocf:heartbeat:IPaddr2", or "systemd:nginx".
func (l *lookup) agent(r policy.Resource) string {
	if t, ok := l.templates[r.Template]; ok {
		r = t
	}
	return Agent(r.Class, r.Provider, r.Type)
}

// Agent joins the parts of an agent's name.
func Agent(class, provider, kind string) string {
	if provider != "" && class == "ocf" {
		return class + ":" + provider + ":" + kind
	}
	return class + ":" + kind
}

func isTrue(text string) bool {
	switch strings.ToLower(text) {
	case "true", "on", "yes", "y", "1":
		return true
	}
	return false
}

// count reads a number of instances; absent or unreadable is fallback.
func count(text string, fallback int) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return min(n, maxInstances)
	}
	return fallback
}

// maxInstances bounds what a display counts to, whatever a document says.
const maxInstances = 10000

// instanceCount is the number of primitive instances that are configured.
func (l *lookup) instanceCount() int {
	total := 0
	for _, r := range l.config.Resources {
		total += l.count(r)
	}
	return total
}

func (l *lookup) count(r policy.Resource) int {
	children := 0
	for _, c := range r.Children {
		children += l.count(c)
	}
	switch r.Kind {
	case policy.Primitive:
		return 1
	case policy.Group:
		return children
	case policy.Clone:
		return children * max(l.cloneMax(r), 1)
	case policy.Bundle:
		each := 1 + 2*min(children, 1) // the container; the connection and the primitive
		if bundleAddress(r, 0) != "" {
			each++
		}
		return each * replicas(r)
	}
	return 0
}

func (l *lookup) cloneMax(r policy.Resource) int {
	return count(l.inherited("clone-max", r), max(len(l.nodes)-len(l.guests), l.members))
}
