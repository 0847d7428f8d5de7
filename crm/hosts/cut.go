package hosts

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// AllLinks means every link of a [Cut].
const AllLinks = -1

// Cut is traffic that the switch drops.
type Cut struct {
	From string // host that sends; empty: any
	To   string // host that receives; empty: any
	Link int    // AllLinks, or one of them
}

// Cut isolates a host: the switch drops all that it sends and all that is sent
// to it, on all links. Its interfaces stay up, as when a switch fails behind it.
func (l *Lab) Cut(name string) error {
	return l.AddCuts(Cut{From: name, Link: AllLinks}, Cut{To: name, Link: AllLinks})
}

// Heal takes back every cut that names a host.
func (l *Lab) Heal(name string) error {
	if _, err := l.host(name); err != nil {
		return err
	}
	n := l.net
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.setCuts(slices.DeleteFunc(slices.Clone(n.cuts), func(c Cut) bool { return c.From == name || c.To == name }))
}

// AddCuts drops more traffic, in one step.
func (l *Lab) AddCuts(cuts ...Cut) error {
	for _, c := range cuts {
		for _, name := range []string{c.From, c.To} {
			if _, err := l.host(name); err != nil && name != "" && name != "client" {
				return err
			}
		}
		if c.Link < AllLinks || c.Link >= l.net.links || c.From == "" && c.To == "" {
			return fmt.Errorf("a cut needs a host and a link from 0 to %d, or AllLinks: %+v", l.net.links-1, c)
		}
	}
	n := l.net
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.setCuts(append(slices.Clone(n.cuts), cuts...))
}

// setCuts replaces the switch's rules in one transaction.
func (n *network) setCuts(cuts []Cut) error {
	table := &nftables.Table{Name: "cuts", Family: nftables.TableFamilyBridge}
	n.fw.AddTable(table) // so that there is one to delete
	n.fw.DelTable(table)
	n.fw.AddTable(table)
	accept := nftables.ChainPolicyAccept
	chain := n.fw.AddChain(&nftables.Chain{
		Name: "forward", Table: table, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookForward,
		Priority: nftables.ChainPriorityRef(-200), Policy: &accept,
	})
	for _, c := range cuts {
		for link := range n.links {
			if c.Link != AllLinks && c.Link != link {
				continue
			}
			n.fw.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: c.drop(link)})
		}
	}
	if err := n.fw.Flush(); err != nil {
		return fmt.Errorf("the switch's rules: %w", err)
	}
	n.cuts = cuts
	return nil
}

// drop is the rule of one cut on one link.
func (c Cut) drop(link int) []expr.Any {
	var rule []expr.Any
	match := func(key expr.MetaKey, host string) {
		if host == "" {
			return
		}
		name := make([]byte, 16)
		copy(name, portName(host, link))
		rule = append(rule, &expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: name})
	}
	match(expr.MetaKeyIIFNAME, c.From)
	match(expr.MetaKeyOIFNAME, c.To)
	return append(rule, &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop})
}
