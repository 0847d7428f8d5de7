package control

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// gate holds back what must not begin on a node that nobody could fence.
//
// Invariant: a resource that needs fencing (the default for everything but fence
// devices) starts on a node only while at least one fence device that can fence
// this node is running. Otherwise, when the node is lost, its resources could
// never be recovered safely; better to say so before than at three in the
// morning. The option fencing-enabled=false switches this off, for laboratories.
func gate(c *policy.Config, s *state.State, plan *policy.Plan, blocked *[]policy.Blocked) map[string]bool {
	held := map[string]bool{}
	holdKept(s, plan, held, blocked)
	if !FencingEnabled(c) {
		return held
	}
	protected := map[string]string{}
	for _, a := range plan.Actions {
		if a.Kind != policy.ResourceAction || !begins(a.Task) || !a.Protected {
			continue
		}
		why, known := protected[a.Node]
		if !known {
			why = Unprotected(c, plan, a.Node)
			protected[a.Node] = why
		}
		if why == "" {
			continue
		}
		held[a.ID] = true
		*blocked = append(*blocked, policy.Blocked{
			Resource: a.Resource, Node: a.Node, Task: a.Task,
			Reasons: []policy.Reason{{Rule: "unprotected", Object: a.Node, Text: why}},
		})
	}
	return held
}

// FencingEnabled says whether the configuration asks for fencing; it does unless
// it is switched off by name.
func FencingEnabled(c *policy.Config) bool {
	for _, name := range []string{"fencing-enabled", "stonith-enabled"} {
		switch strings.ToLower(state.Option(c, name)) {
		case "false", "off", "no", "n", "0":
			return false
		case "":
			continue
		}
		return true
	}
	return true
}

// Unprotected says why no working fence device could fence a node, or "".
func Unprotected(c *policy.Config, plan *policy.Plan, node string) string {
	var able []string
	for i := range c.Resources {
		r := &c.Resources[i]
		if r.Class == "stonith" && CanTarget(r, node) {
			able = append(able, r.ID)
		}
	}
	if len(able) == 0 {
		return fmt.Sprintf("no fence device can fence %s: add a fence block with targets = [%s]", node, node)
	}
	for _, p := range plan.Current {
		if p.Role != policy.RoleStopped && !p.Failed && slices.Contains(able, p.Resource) {
			return ""
		}
	}
	return fmt.Sprintf("no fence device for %s works yet (%s): see 'crm status' for its last failure, then 'crm resource cleanup %s'",
		node, strings.Join(able, ", "), able[0])
}

// CanTarget says whether a fence device may fence a node: its host list or map
// names the node, or it has neither and finds its targets itself.
func CanTarget(r *policy.Resource, node string) bool {
	list, hasList := param(r, "pcmk_host_list")
	hostMap, hasMap := param(r, "pcmk_host_map")
	if !hasList && !hasMap {
		return true
	}
	for _, host := range strings.FieldsFunc(list, func(c rune) bool { return c == ' ' || c == ',' || c == ';' || c == '\t' || c == '\n' }) {
		if strings.EqualFold(host, node) {
			return true
		}
	}
	for _, pair := range strings.FieldsFunc(hostMap, func(c rune) bool { return c == ' ' || c == ';' || c == '\t' || c == '\n' }) {
		if host, _, ok := strings.Cut(pair, ":"); ok && strings.EqualFold(host, node) {
			return true
		}
	}
	return false
}

func param(r *policy.Resource, name string) (string, bool) {
	for _, set := range r.Params {
		for _, p := range set.Pairs {
			if p.Name == name && !p.NoValue {
				return p.Value, true
			}
		}
	}
	return "", false
}
