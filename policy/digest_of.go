package policy

// OperationDigest is the digest of the parameters that an operation would run
// with now, for whoever imagines its result. It is "" if the resource (an
// instance name or a configured one) or the node does not exist.
func OperationDigest(in Input, name, node, operation string, intervalMS int64) string {
	if in.Config == nil || in.Status == nil {
		return ""
	}
	m := newModel(in)
	m.readOptions()
	m.readNodes()
	m.readResources()
	n := m.nodeByName(node)
	digest := ""
	m.eachPrimitive(func(r *resource) {
		if n != nil && digest == "" && (r.id == name || r.name == name) {
			digest = m.digestParams(r, n, opKey{operation, intervalMS}).main
		}
	})
	return digest
}
