package policy

import "strings"

// options are the cluster properties that decide something, as values.
type options struct {
	quorumPolicy string // effective no-quorum-policy: stop, freeze, ignore, demote, fence

	symmetric            bool
	fencing              bool
	fencingAction        string
	startupFencing       bool
	concurrentFencing    bool
	haveWatchdog         bool
	fenceRemoteNoQuorum  bool
	priorityFencingDelay int64 // ms
	pendingTimeout       int64 // ms
	maintenance          bool
	stopAll              bool
	stopRemoved          bool
	cancelRemoved        bool
	probes               bool
	shutdownLock         bool
	shutdownLockLimit    int64 // ms
	healthStrategy       string
	healthBase           int
	placement            string // default, utilization, minimal, balanced
	clusterName          string
	unfencing            bool // some resource needs or provides unfencing
}

// readOptions merges the cluster properties and gives them meaning.
func (m *model) readOptions() {
	table := map[string]string{}
	m.fill(table, optionSets, m.cfg.Options, "cib-bootstrap-options", &ruleContext{})
	p := propertyReader{m: m, table: table}
	o := &m.opt
	o.symmetric = p.flag("symmetric-cluster", "", true)
	o.fencing = p.flag("fencing-enabled", "stonith-enabled", true)
	o.fencingAction = p.word("fencing-action", "stonith-action", "reboot", "off")
	if v := table["fencing-action"] + table["stonith-action"]; v == "poweroff" {
		o.fencingAction = TaskOff
	}
	o.startupFencing = o.fencing && p.flag("startup-fencing", "", true)
	o.concurrentFencing = p.flag("concurrent-fencing", "", true)
	o.haveWatchdog = p.flag("have-watchdog", "", false)
	o.fenceRemoteNoQuorum = p.flag("fence-remote-without-quorum", "", false)
	o.priorityFencingDelay = p.duration("priority-fencing-delay")
	o.pendingTimeout = p.duration("node-pending-timeout")
	o.maintenance = p.flag("maintenance-mode", "", false)
	o.stopAll = p.flag("stop-all-resources", "", false)
	o.stopRemoved = p.flag("stop-removed-resources", "stop-orphan-resources", true)
	o.cancelRemoved = p.flag("cancel-removed-actions", "stop-orphan-actions", true)
	o.probes = p.flag("enable-startup-probes", "", true)
	o.shutdownLock = p.flag("shutdown-lock", "", false)
	if o.shutdownLock {
		o.shutdownLockLimit = p.duration("shutdown-lock-limit")
	}
	o.placement = p.word("placement-strategy", "", "default", "utilization", "minimal", "balanced")
	o.clusterName = table["cluster-name"]
	o.unfencing = m.mentionsUnfencing()
	m.readHealthOptions(&p)
	m.readQuorumPolicy(&p)
}

// readHealthOptions sets what the colours mean as scores.
func (m *model) readHealthOptions(p *propertyReader) {
	o := &m.opt
	o.healthStrategy = p.word("node-health-strategy", "", "none", "migrate-on-red", "only-green", "progressive", "custom")
	red, yellow, green := p.score("node-health-red", -infinity), p.score("node-health-yellow", 0), p.score("node-health-green", 0)
	o.healthBase = p.score("node-health-base", 0)
	switch o.healthStrategy {
	case "migrate-on-red":
		m.colours.red = -infinity
	case "only-green":
		m.colours.red, m.colours.yellow = -infinity, -infinity
	case "progressive", "custom":
		m.colours = healthColours{red: red, yellow: yellow, green: green}
	}
}

// readQuorumPolicy finds the policy that is in effect.
func (m *model) readQuorumPolicy(p *propertyReader) {
	v := p.word("no-quorum-policy", "", "stop", "freeze", "ignore", "demote", "fence", "suicide")
	if v == "suicide" {
		v = "fence"
	}
	if v == "fence" {
		switch {
		case !m.opt.fencing:
			m.problem(false, "no-quorum-policy", Pos{}, "no-quorum-policy fence needs fencing; stop is used")
			v = "stop"
		case m.st.NoQuorumPanic == 0 && !m.quorum:
			v = "stop"
		}
	}
	m.opt.quorumPolicy = v
}

// propertyReader reads typed cluster properties.
type propertyReader struct {
	m     *model
	table map[string]string
}

func (p *propertyReader) text(name, old string) string {
	if v, ok := p.table[name]; ok {
		return v
	}
	return p.table[old]
}

func (p *propertyReader) flag(name, old string, def bool) bool {
	s := p.text(name, old)
	v, ok := parseBool(s)
	if !ok {
		if s != "" {
			p.invalid(name, s)
		}
		return def
	}
	return v
}

func (p *propertyReader) word(name, old string, words ...string) string {
	s := p.text(name, old)
	for _, w := range words {
		if strings.EqualFold(s, w) {
			return w
		}
	}
	if s != "" {
		p.invalid(name, s)
	}
	return words[0]
}

func (p *propertyReader) duration(name string) int64 {
	s := p.text(name, "")
	ms, ok := parseInterval(s)
	if !ok {
		p.invalid(name, s)
	}
	return ms
}

func (p *propertyReader) score(name string, def int) int {
	s := p.text(name, "")
	v, ok := p.m.colours.parseScore(s, def)
	if !ok && s != "" {
		p.invalid(name, s)
	}
	return v
}

func (p *propertyReader) invalid(name, value string) {
	p.m.problem(false, name, Pos{}, "%q is no valid value of option %s; its default is used", value, name)
}

// mentionsUnfencing tells whether any resource asks for or provides unfencing,
// whatever the rules around that say.
func (m *model) mentionsUnfencing() bool {
	inSets := func(sets []NVSet) bool {
		for i := range sets {
			for _, p := range sets[i].Pairs {
				if (p.Name == "provides" || p.Name == "requires") && p.Value == "unfencing" {
					return true
				}
			}
		}
		return false
	}
	var inResources func(list []Resource) bool
	inResources = func(list []Resource) bool {
		for i := range list {
			if inSets(list[i].Meta) || inResources(list[i].Children) {
				return true
			}
			for j := range list[i].Operations.List {
				if inSets(list[i].Operations.List[j].Meta) {
					return true
				}
			}
		}
		return false
	}
	return inSets(m.cfg.ResourceDefaults) || inResources(m.cfg.Resources) || inResources(m.cfg.Templates)
}
