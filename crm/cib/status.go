package cib

import "github.com/holdfast-ha/holdfast/policy"

func (in *importer) status(root *element) *policy.Status {
	s := &policy.Status{
		Quorum:        isTrue(root.attr("have-quorum")),
		DC:            root.attr("dc-uuid"),
		NoQuorumPanic: int(whole(root, "no-quorum-panic")),
		FeatureSet:    root.attr("crm_feature_set"),
	}
	section := in.section("status")
	for _, e := range section.children {
		switch e.name {
		case "node_state":
			s.Nodes = append(s.Nodes, in.nodeState(e))
		case "tickets":
			for _, t := range e.children {
				if t.name == "ticket_state" {
					s.Tickets = append(s.Tickets, ticketState(t))
				}
			}
		default:
			in.unknown(e, section)
		}
	}
	return s
}

// ticketState reads a ticket; one that was never granted says -1.
func ticketState(e *element) policy.TicketState {
	t := policy.TicketState{
		ID:          e.attr("id"),
		Granted:     isTrue(e.attr("granted")),
		Standby:     isTrue(e.attr("standby")),
		LastGranted: -1,
		Attributes:  e.pairs("id", "granted", "standby", "last-granted"),
	}
	if _, ok := e.lookup("last-granted"); ok {
		t.LastGranted = whole(e, "last-granted")
	}
	return t
}

func (in *importer) nodeState(e *element) policy.NodeState {
	n := policy.NodeState{
		ID:       e.attr("id"),
		Name:     e.attr("uname"),
		Remote:   isTrue(e.attr("remote_node")),
		InCCM:    e.optional("in_ccm"),
		Online:   e.optional("crmd"),
		Join:     e.optional("join"),
		Expected: e.optional("expected"),
		Fenced:   e.attr("node_fenced"),
	}
	for _, c := range e.children {
		switch c.name {
		case "transient_attributes":
			n.Attributes = append(n.Attributes, in.sets(c, "instance_attributes")...)
			n.Utilization = append(n.Utilization, in.sets(c, "utilization")...)
		case "lrm":
			for _, list := range c.children {
				if list.name == "lrm_resources" {
					n.History = append(n.History, histories(list)...)
				}
			}
		default:
			in.unknown(c, e)
		}
	}
	return n
}

func histories(parent *element) []policy.ResourceHistory {
	var out []policy.ResourceHistory
	for _, e := range parent.children {
		if e.name != "lrm_resource" {
			continue
		}
		h := policy.ResourceHistory{
			ID:           e.attr("id"),
			Class:        e.attr("class"),
			Provider:     e.attr("provider"),
			Type:         e.attr("type"),
			Container:    e.attr("container"),
			ShutdownLock: e.attr("shutdown-lock"),
		}
		for _, op := range e.children {
			if op.name == "lrm_rsc_op" {
				h.Ops = append(h.Ops, opRecord(op))
			}
		}
		out = append(out, h)
	}
	return out
}

func opRecord(e *element) policy.OpRecord {
	op := policy.OpRecord{
		ID:            e.attr("id"),
		Key:           e.attr("operation_key"),
		Operation:     e.attr("operation"),
		IntervalMS:    whole(e, "interval"),
		CallID:        number(e, "call-id"),
		RC:            number(e, "rc-code"),
		Status:        number(e, "op-status"),
		ExpectedRC:    policy.Unset,
		TransitionID:  policy.Unset,
		OnNode:        e.attr("on_node"),
		ExitReason:    e.attr("exit-reason"),
		LastChange:    number(e, "last-rc-change"),
		LastRun:       number(e, "last-run"),
		ExecMS:        whole(e, "exec-time"),
		QueueMS:       whole(e, "queue-time"),
		MigrateSource: e.attr("migrate_source"),
		MigrateTarget: e.attr("migrate_target"),
		Digest:        e.attr("op-digest"),
		RestartDigest: e.attr("op-restart-digest"),
		RestartParams: e.attr("op-force-restart"),
		SecureDigest:  e.attr("op-secure-digest"),
		SecureParams:  e.attr("op-secure-params"),
		FeatureSet:    e.attr("crm_feature_set"),
	}
	if key, ok := parseTransitionKey(e.attr("transition-key")); ok {
		op.ExpectedRC = key.expected
	}
	if key, ok := parseTransitionMagic(e.attr("transition-magic")); ok {
		op.TransitionID, op.Decider, op.MagicOK = key.transition, key.decider, true
	}
	return op
}
