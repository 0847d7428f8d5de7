package api

import (
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// suppose imagines one event on a state: "node-fail=n2".
func suppose(s *state.State, quorum bool, text string, now time.Time) (*state.State, bool, error) {
	what, object, _ := strings.Cut(text, "=")
	cmd := state.Command{}
	yes, no := true, false
	role := ""
	switch what {
	case "quorum-lost":
		return s, false, nil
	case "node-fail":
		n := s.Nodes[object]
		if n == nil {
			return nil, false, errorf(NoSuch, "there is no node %s that could fail", object)
		}
		cmd.Lost = &state.Lost{Node: object, Boot: n.Boot}
	case "node-standby":
		cmd.SetNode = &state.SetNode{Node: object, Standby: &yes}
	case "node-online":
		cmd.SetNode = &state.SetNode{Node: object, Standby: &no, StandbyReboot: &no, Maintenance: &no}
	case "node-maintenance":
		cmd.SetNode = &state.SetNode{Node: object, Maintenance: &yes}
	case "resource-stop":
		role = string(policy.RoleStopped)
		cmd.SetResource = &state.SetResource{Resource: object, TargetRole: &role}
	case "resource-start":
		role = string(policy.RoleStarted)
		cmd.SetResource = &state.SetResource{Resource: object, TargetRole: &role}
	default:
		return nil, false, errorf(BadRequest, "nobody knows how to imagine %q: use node-fail=NODE, node-standby=NODE, node-online=NODE, node-maintenance=NODE, resource-stop=NAME, resource-start=NAME or quorum-lost", text)
	}
	next, err := imagine(s, cmd, now)
	return next, quorum, err
}
