package policy

import "errors"

// Decide computes what the cluster should do next. It reads its input only.
// Faults of the configuration do not stop it: they are listed in the plan. An
// error means that the input is unusable as a whole.
func Decide(in Input) (*Plan, error) {
	if in.Config == nil || in.Status == nil {
		return nil, errors.New("policy: a decision needs a configuration and a status")
	}
	m := newModel(in)
	m.readOptions()
	m.readNodes()
	m.readResources()
	m.readStatus()
	m.applyHealth()
	m.readConstraints()
	m.applyNodeCriteria()
	m.addInternalConstraints()
	m.checkDefinitions()
	m.assignAll()
	m.createActions()
	m.orderRemoteConnections()
	m.scheduleFencing()
	m.applyOrderings()
	if m.updates < 0 {
		return nil, errors.New("policy: the orderings contradict each other and do not settle; look for loops among the order constraints")
	}
	return m.plan(), nil
}
