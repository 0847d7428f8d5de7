package cib

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-ha/holdfast/policy"
)

// ignorePositions compares what is said, not where.
var ignorePositions = cmpopts.IgnoreTypes(policy.Pos{})

func TestOptionsMovedSinceSchema2(t *testing.T) {
	text := `<crm_config><cluster_property_set id="o">
		<nvpair id="1" name="symmetric_cluster" value="false"/>
		<nvpair id="2" name="default-resource-stickiness" value="10"/>
		<nvpair id="3" name="is_managed_default" value="false"/>
		<nvpair id="4" name="default-action-timeout" value="20s"/>
		<nvpair id="5" name="timeout" value="kept"/>
	</cluster_property_set></crm_config>
	<nodes><node id="1" uname="a" type="normal"/></nodes>
	<rsc_defaults><meta_attributes id="d"><nvpair id="6" name="resource-stickiness" value="99"/></meta_attributes></rsc_defaults>`

	config, _, _ := importText(t, "pacemaker-2.10", text)
	want := &policy.Config{
		Options: []policy.NVSet{{ID: "o", Pairs: []policy.Pair{
			{ID: "1", Name: "symmetric-cluster", Value: "false"}, {ID: "5", Name: "timeout", Value: "kept"},
		}}},
		ResourceDefaults: []policy.NVSet{
			{ID: "o-is-managed", Pairs: []policy.Pair{{ID: "3", Name: "is-managed", Value: "false"}}},
			{ID: "o-resource-stickiness", Pairs: []policy.Pair{{ID: "2", Name: "resource-stickiness", Value: "10"}}},
			{ID: "d", Pairs: []policy.Pair{{ID: "6", Name: "resource-stickiness", Value: "99"}}},
		},
		OpDefaults: []policy.NVSet{{ID: "o-timeout", Pairs: []policy.Pair{{ID: "4", Name: "timeout", Value: "20s"}}}},
		Nodes:      []policy.Node{{ID: "1", Name: "a", Type: "member"}},
	}
	if diff := cmp.Diff(want, config, ignorePositions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	modern, _, _ := importText(t, "pacemaker-3.0", text)
	if len(modern.Options[0].Pairs) != 5 || modern.Nodes[0].Type != "normal" {
		t.Errorf("schema 3.0 must stay as it is: %+v", modern)
	}
}

func TestRemovedOptionsAndOverrides(t *testing.T) {
	config, _, _ := importText(t, "pacemaker-3.9", `
		<crm_config><cluster_property_set id="o">
			<nvpair id="1" name="remove-after-stop" value="true"/>
			<nvpair id="2" name="stonith-action" value="poweroff"/>
			<nvpair id="3" name="crmd-integration-timeout" value="1min"/>
		</cluster_property_set></crm_config>
		<configuration><resources><group id="g"><primitive id="a" class="ocf" type="Dummy">
			<meta_attributes id="m"><nvpair id="4" name="restart-type" value="restart"/><nvpair id="5" name="priority" value="1"/></meta_attributes>
			<operations><op id="op" name="start" interval="0" can_fail="true" timeout="3s"><meta_attributes id="om"><nvpair id="6" name="role_after_failure" value="x"/></meta_attributes></op></operations>
		</primitive></group></resources></configuration>`)
	options := []policy.Pair{{ID: "2", Name: "stonith-action", Value: "off"}, {ID: "3", Name: "join-integration-timeout", Value: "1min"}}
	if diff := cmp.Diff(options, config.Options[0].Pairs, ignorePositions); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	a := config.Resources[0].Children[0]
	if diff := cmp.Diff([]policy.Pair{{ID: "5", Name: "priority", Value: "1"}}, a.Meta[0].Pairs, ignorePositions); diff != "" {
		t.Errorf("meta-attributes (-want +got):\n%s", diff)
	}
	op := a.Operations.List[0]
	if diff := cmp.Diff([]policy.Pair{{Name: "timeout", Value: "3s"}}, op.Attributes); diff != "" || len(op.Meta[0].Pairs) != 0 {
		t.Errorf("operation %+v", op)
	}
}

func TestPingNodesRunNothing(t *testing.T) {
	config, _, problems := importText(t, "pacemaker-2.0", `<nodes><node id="9" uname="gateway" type="ping"/></nodes>`)
	want := []policy.Constraint{{Location: &policy.Location{
		ID: "ping-node-9", Pattern: ".*", Node: "gateway", Score: "-INFINITY", Discovery: "never",
	}}}
	if diff := cmp.Diff(want, config.Constraints, ignorePositions); diff != "" || config.Nodes[0].Type != "member" || len(problems) != 1 {
		t.Errorf("node %+v, problems %v, constraints (-want +got):\n%s", config.Nodes[0], problems, diff)
	}
}
