package config

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/holdfast-ha/holdfast/policy"
)

// lint adds warnings about what is legal and will hurt.
func (d *decoder) lint() {
	d.lintFencing()
	d.lintQuorum()
	for _, r := range d.out.Policy.Resources {
		d.lintResource(r)
	}
}

// fenced says whether anything can fence a lost node.
func (d *decoder) fenced() bool {
	if len(d.out.Fences) == 0 && !truth(d.out.Policy.Options, "have-watchdog") {
		return false
	}
	return !d.fencingOff()
}

func (d *decoder) fencingOff() bool {
	for _, name := range []string{"fencing-enabled", "stonith-enabled"} {
		if v, ok := value(d.out.Policy.Options, name); ok {
			on, known := parseBool(v)
			return known && !on
		}
	}
	return false
}

func (d *decoder) lintFencing() {
	first, any := d.firstResource()
	if !any {
		return
	}
	switch {
	case d.fencingOff():
		for _, s := range d.out.Policy.Options {
			for _, p := range s.Pairs {
				if p.Name == "stonith-enabled" || p.Name == "fencing-enabled" {
					d.warnf(d.lineRange(p.Pos), "Fencing disabled", "a lost node cannot be made safe, so what it ran may run twice: for a laboratory only")
				}
			}
		}
	case len(d.out.Fences) == 0:
		d.warnf(first, "No fencing", "there is no fence device: when a node is lost, nothing that it ran can start elsewhere until someone confirms that it is off")
	}
}

// firstResource is where remarks on the whole configuration point.
func (d *decoder) firstResource() (hcl.Range, bool) {
	for _, r := range d.out.Policy.Resources {
		if r.Class != fenceClass {
			return d.rangeOf(r.ID), true
		}
	}
	return hcl.Range{}, false
}

func (d *decoder) rangeOf(id string) hcl.Range { return d.ranges[id] }

func (d *decoder) lintQuorum() {
	if n := len(d.out.Cluster.Members); n == 2 {
		m := d.out.Cluster.Members[1]
		d.warnf(d.names.nodes[m.Name], "Two nodes", "of two nodes, both must be there for a majority: when one is lost, the other stops; add a third")
	}
}

func (d *decoder) lintResource(r policy.Resource) {
	if r.Class == fenceClass {
		return
	}
	if r.Kind == policy.Group {
		d.lintStickiness(r)
	}
	if r.Kind == policy.Primitive {
		d.lintMonitor(r)
		d.lintTimeouts(r)
		d.lintFilesystem(r)
	}
	for _, c := range r.Children {
		d.lintResource(c)
	}
}

func (d *decoder) lintStickiness(r policy.Resource) {
	for _, sets := range [][]policy.NVSet{r.Meta, d.out.Policy.ResourceDefaults} {
		if v, ok := value(sets, "resource-stickiness"); ok && v != "0" {
			return
		}
	}
	d.warnf(d.rangeOf(r.ID), "No stickiness", "the group %q goes back as soon as its old node returns, and is down meanwhile; write defaults \"resource\" { resource-stickiness = 100 }", r.ID)
}

// ops are the operations of a primitive with those of its template.
func (d *decoder) ops(r policy.Resource) []policy.Op {
	ops := r.Operations.List
	for _, t := range d.out.Policy.Templates {
		if t.ID == r.Template {
			ops = slices.Concat(ops, t.Operations.List)
		}
	}
	return ops
}

func (d *decoder) lintMonitor(r policy.Resource) {
	if r.Operations.IDRef != "" {
		return
	}
	for _, op := range d.ops(r) {
		if op.Name == "monitor" || op.IDRef != "" {
			return
		}
	}
	d.warnf(d.rangeOf(r.ID), "No monitor", "nobody notices when %q fails; add op \"monitor\" { interval = \"10s\" }", r.ID)
}

// defaultTimeout is what an operation gets when nobody says anything.
const defaultTimeout = 20 * time.Second

// lintTimeouts compares the effective timeouts with the agent's advice.
func (d *decoder) lintTimeouts(r policy.Resource) {
	described := r
	for _, t := range d.out.Policy.Templates {
		if t.ID == r.Template {
			described = t
		}
	}
	meta := d.metadata[agentSpec(described)]
	if meta == nil {
		return
	}
	for _, name := range []string{"start", "stop"} {
		for _, def := range meta.Actions {
			if def.Name != name {
				continue
			}
			if have := d.timeout(r, name); have < def.Timeout {
				d.warnf(d.rangeOf(r.ID), "Short timeout", "%s advises %s for %s, and %q has %s%s; write op %q { timeout = %q }",
					agentName(described), spell(def.Timeout), name, r.ID, spell(have), consequence(name), name, spell(def.Timeout))
			}
		}
	}
}

func consequence(op string) string {
	if op == "stop" {
		return ", after which the node is fenced"
	}
	return ""
}

func agentSpec(r policy.Resource) string {
	s := r.Class
	if r.Provider != "" {
		s += ":" + r.Provider
	}
	return s + ":" + r.Type
}

// timeout is what one operation of a resource has, defaults included.
func (d *decoder) timeout(r policy.Resource, name string) time.Duration {
	for _, op := range d.ops(r) {
		for _, a := range op.Attributes {
			if op.Name == name && a.Name == "timeout" {
				if v, err := parseDuration(a.Value); err == nil {
					return v
				}
			}
		}
	}
	if v, ok := value(d.out.Policy.OpDefaults, "timeout"); ok {
		if t, err := parseDuration(v); err == nil {
			return t
		}
	}
	return defaultTimeout
}

// spell writes a duration as a configuration does.
func spell(v time.Duration) string {
	if v%time.Second == 0 {
		return strconv.FormatInt(int64(v/time.Second), 10) + "s"
	}
	return v.String()
}

// sharedFilesystems keep their own order when two machines write.
var sharedFilesystems = []string{"nfs", "nfs4", "cifs", "ceph", "glusterfs", "gfs2", "ocfs2", "none", "tmpfs", "lustre"}

func (d *decoder) lintFilesystem(r policy.Resource) {
	if d.fenced() || !(r.Class == "holdfast" && r.Type == "filesystem" || r.Class == "ocf" && r.Type == "Filesystem") {
		return
	}
	fstype, _ := value(r.Params, "fstype")
	options, _ := value(r.Params, "options")
	if slices.Contains(sharedFilesystems, fstype) || slices.Contains(strings.Split(options, ","), "ro") {
		return
	}
	d.warnf(d.rangeOf(r.ID), "Data at risk", "%q writes to a disk that two nodes can reach, and nothing fences: mounted twice, the file system is destroyed", r.ID)
}

// scoreOf reads a score as a number; infinities are a million.
func scoreOf(s string) int {
	const million = 1000000
	switch s {
	case infinity, "+" + infinity:
		return million
	case "-" + infinity:
		return -million
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return max(-million, min(million, n))
}
