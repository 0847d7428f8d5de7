package render

import (
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// Fixes names, for each node of an explanation that does not have the resource,
// the smallest change that would let it run there: one entry for each thing in
// the way, commands where there are some. Under the name "" is what would let a
// stopped resource run at all.
func Fixes(in policy.Input, x *policy.Explanation) map[string][]string {
	f := &fixer{in: in, x: x}
	out := map[string][]string{}
	add := func(key, fix string) {
		if fix != "" && !slices.Contains(out[key], fix) {
			out[key] = append(out[key], fix)
		}
	}
	for _, r := range x.Stopped {
		add("", f.fix(r, ""))
	}
	for _, n := range x.Nodes {
		switch n.Word {
		case policy.Impossible:
			for i, r := range n.Why {
				if i+1 < len(n.Why) && strings.Contains(r.Text, "which must be with it") {
					continue // what follows says why it may not be there
				}
				add(n.Node, f.fix(r, n.Node, n.Why...))
			}
			slices.SortStableFunc(out[n.Node], func(a, b string) int { return moves(a) - moves(b) })
		case policy.Beaten:
			if len(n.Why) > 0 && n.Why[0].Rule == "clone-max" {
				add(n.Node, f.fix(n.Why[0], n.Node))
			} else {
				add(n.Node, "crm resource move "+x.Resource+" "+n.Node)
			}
		}
	}
	return out
}

type fixer struct {
	in policy.Input
	x  *policy.Explanation
}

// moves sorts what can only succeed once the rest is done to the end.
func moves(fix string) int {
	if strings.HasPrefix(fix, "crm resource move ") {
		return 1
	}
	return 0
}

// fix is what takes one of several reasons away, "" if nobody can.
func (f *fixer) fix(r policy.Reason, node string, all ...policy.Reason) string {
	switch r.Rule {
	case "standby", "standby-on-fail":
		return "crm node online " + r.Object
	case "maintenance":
		return "crm node ready " + r.Object
	case "maintenance-mode":
		return "crm maintenance off"
	case "offline", "joining", "shutdown":
		return "start the cluster on " + r.Object + " again"
	case "node-lost":
		return "wait until " + r.Object + " is fenced and back (if it is off for certain: crm node confirm-off " + r.Object + ")"
	case "manual-rule":
		return "crm resource clear " + r.Object
	case "location":
		return "remove location " + r.Object + place(r)
	case "failed-too-often", "failed", "blocked":
		return strings.TrimSpace("crm resource cleanup " + base(r.Object))
	case "colocation":
		return f.fixColocation(r, node, all)
	case "utilization":
		return "raise the capacity of " + node + ", or lower what it needs"
	case "resource-discovery", "opt-in":
		return "add a location that allows " + f.x.Resource + " on " + node
	case "clone-max", "instances":
		return "raise " + map[string]string{"clone-max": "clone-max", "instances": "clone-node-max"}[r.Rule] + " of " + r.Object + place(r)
	case "ticket":
		return "grant ticket " + r.Object
	case "health":
		return "repair what the health attributes (#health…) of " + node + " report"
	}
	return f.fixStopped(r)
}

// fixStopped is for reasons that concern the resource on all nodes.
func (f *fixer) fixStopped(r policy.Reason) string {
	switch r.Rule {
	case "target-role":
		return "crm resource start " + r.Object
	case "stop-all":
		return "set option stop-all-resources to false"
	case "no-quorum":
		return "bring back enough nodes for a quorum"
	case "resource-maintenance":
		return "crm resource maintenance " + r.Object + " off"
	case "unmanaged":
		return "crm resource manage " + base(r.Object)
	case "no-fencing":
		return "configure a fence device"
	case "multiple-active":
		return "stop all but one of them by hand, then crm resource cleanup " + base(r.Object)
	}
	return ""
}

// fixColocation moves the other side, if that may be there.
func (f *fixer) fixColocation(r policy.Reason, node string, all []policy.Reason) string {
	if strings.HasPrefix(r.Object, "#") || strings.Contains(r.Text, "which has no node") {
		return "" // what keeps the others away is listed, too
	}
	remove := "remove colocation " + r.Object + place(r)
	i := slices.IndexFunc(f.in.Config.Constraints, func(c policy.Constraint) bool {
		return c.Colocation != nil && c.Colocation.ID == r.Object && len(c.Colocation.Sets) == 0
	})
	if i < 0 || !strings.HasPrefix(r.Text, "must be with ") {
		return remove
	}
	c := f.in.Config.Constraints[i].Colocation
	other, err := policy.Explain(f.in, c.With, node)
	if err != nil || c.WithRole != "" || len(other.Nodes) != 1 || !free(other.Nodes[0], all) {
		return remove + " (" + c.With + " can not be there either: crm explain " + c.With + " " + node + ")"
	}
	return "crm resource move " + c.With + " " + node + " (" + f.x.Resource + " follows)"
}

// free tells whether a resource could be on a node once the known reasons are
// taken away.
func free(n policy.NodeVerdict, known []policy.Reason) bool {
	if n.Word == policy.Beaten {
		return true
	}
	return n.Word == policy.Impossible && !slices.ContainsFunc(n.Why, func(r policy.Reason) bool {
		return !slices.ContainsFunc(known, func(k policy.Reason) bool { return k.Rule == r.Rule && k.Object == r.Object })
	})
}

func place(r policy.Reason) string {
	if pos := r.Pos.String(); pos != "" {
		return " (" + pos + ")"
	}
	return ""
}

// base is the configured name of an instance.
func base(name string) string {
	name, _, _ = strings.Cut(name, ":")
	return name
}
