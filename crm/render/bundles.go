package render

import (
	"fmt"
	"net/netip"

	"github.com/holdfast-ha/holdfast/policy"
)

// bundle shows a container bundle with a line for each replica.
func (d *display) bundle(r policy.Resource) {
	if r.Bundle == nil {
		return
	}
	title := "Container bundle"
	if replicas(r) > 1 {
		title += " set"
	}
	var kinds []string
	if count(attribute(r.Bundle.Container, "replicas-per-host"), 1) > 1 {
		kinds = append(kinds, "unique")
	}
	d.item(title + ": " + r.ID + " [" + attribute(r.Bundle.Container, "image") + "]" + d.collectiveFlags(r, kinds...) + ":")
	d.under(func() {
		for k := range replicas(r) {
			d.replica(r, k)
		}
	})
}

// replica describes the primitive in a container, or the container itself, on
// the node that carries the container.
func (d *display) replica(r policy.Resource, k int) {
	container := containerName(r, fmt.Sprint(k))
	line := resourceLine{id: container, agent: "ocf:heartbeat:" + r.Bundle.Runtime, places: d.lookup.exact[container]}
	host := line.places
	if len(r.Children) > 0 {
		line.id = fmt.Sprintf("%s-%d", r.ID, k)
		line.agent = d.lookup.agent(r.Children[0])
		line.places = d.inside(r.Children[0], line.id, host)
	}
	if address := bundleAddress(r, k); address != "" {
		line.id += " (" + address + ")"
	}
	d.item(d.line(line))
}

// inside is where the primitive of a replica runs, told by the host of the
// container instead of the guest node in it.
func (d *display) inside(primitive policy.Resource, guest string, host []policy.Placement) []policy.Placement {
	var out []policy.Placement
	for _, p := range d.lookup.instances[primitive.ID] {
		if p.Node != guest || !isActive(p) {
			continue
		}
		if len(host) > 0 {
			p.Node = host[0].Node
		}
		out = append(out, p)
	}
	return out
}

// containerName is the name of a replica's implicit container resource.
func containerName(r policy.Resource, replica string) string {
	if r.Bundle == nil {
		return r.ID + "-"
	}
	return r.ID + "-" + r.Bundle.Runtime + "-" + replica
}

func replicas(r policy.Resource) int {
	if r.Bundle == nil {
		return 0
	}
	promoted := count(attribute(r.Bundle.Container, "promoted-max"), 0)
	return max(count(attribute(r.Bundle.Container, "replicas"), promoted), 1)
}

func attribute(pairs []policy.Pair, name string) string {
	for _, p := range pairs {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// bundleAddress is the address of a replica, or "". Addresses ending in 0 and
// 255 are skipped.
func bundleAddress(r policy.Resource, k int) string {
	if r.Bundle == nil {
		return ""
	}
	first := attribute(r.Bundle.Network, "ip-range-start")
	address, err := netip.ParseAddr(first)
	if err != nil {
		return first
	}
	for range k {
		address = address.Next()
		for address.Is4() && (address.As4()[3] == 0 || address.As4()[3] == 255) {
			address = address.Next()
		}
	}
	return address.String()
}
