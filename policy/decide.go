package policy

import (
	"errors"
	"fmt"
)

// Decide computes what the cluster should do next. It reads its input only.
// Faults of the configuration do not stop it: they are listed in the plan. An
// error means that the input is unusable as a whole.
func Decide(in Input) (*Plan, error) {
	if in.Config == nil || in.Status == nil {
		return nil, errors.New("policy: a decision needs a configuration and a status")
	}
	m := newModel(in)
	if err := m.decide(""); err != nil {
		return nil, err
	}
	return m.plan(), nil
}

// decide thinks the decision through, and watches a resource if one is named.
func (m *model) decide(watched string) error {
	m.readOptions()
	m.readNodes()
	m.readResources()
	m.readStatus()
	if watched != "" && !m.startTrace(watched) {
		return fmt.Errorf("policy: there is no resource %s", watched)
	}
	m.applyHealth()
	m.readConstraints()
	m.applyNodeCriteria()
	m.addInternalConstraints()
	m.noted(cause{rule: "structure"})
	m.checkDefinitions()
	m.assignAll()
	m.createActions()
	m.orderRemoteConnections()
	m.scheduleFencing()
	m.applyOrderings()
	if m.updates < 0 {
		return errors.New("policy: the orderings contradict each other and do not settle; look for loops among the order constraints")
	}
	return nil
}
