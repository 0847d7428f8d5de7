package crmsh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/crm/config"
)

// Command is one kind of line.
type Command struct {
	Name    string
	Args    string // "ID AGENT [NAME=VALUE]…"
	Help    string
	Example string

	apply func(*line) error
}

// Commands lists all kinds of lines, as a help lists them.
func Commands() []Command {
	return []Command{
		{
			"primitive", "ID AGENT [NAME=VALUE]… [meta NAME=VALUE…] [op NAME NAME=VALUE…]…", "Add a resource or fence device",
			"primitive ip IPaddr2 ip=10.0.0.100 op monitor interval=5s", (*line).primitive,
		},
		{"group", "ID RESOURCE… [meta NAME=VALUE…]", "Put resources into a group, in start order", "group web fs ip www", (*line).group},
		{"clone", "ID RESOURCE [meta NAME=VALUE…]", "Run a resource or group on several nodes", "clone lb haproxy meta interleave=true", (*line).clone},
		{"ms", "ID RESOURCE [meta NAME=VALUE…]", "Make a promotable clone", "ms pg-ha pg meta notify=true", (*line).promotable},
		{"location", "ID RESOURCE SCORE: NODE | rule SCORE: EXPRESSION", "Prefer, avoid or forbid nodes", "location l1 web 100: n1", (*line).location},
		{"colocation", "ID SCORE: RESOURCE[:ROLE] WITH[:ROLE]…", "Keep resources together or apart", "colocation c1 inf: web db:Promoted", (*line).colocation},
		{"order", "ID [KIND:] FIRST[:ACTION] THEN[:ACTION]…", "Order the actions of resources", "order o1 Mandatory: db:promote web:start", (*line).order},
		{"property", "NAME=VALUE…", "Set cluster options", "property no-quorum-policy=stop", (*line).property},
		{"rsc_defaults", "NAME=VALUE…", "Set defaults of resources", "rsc_defaults resource-stickiness=100", (*line).rscDefaults},
		{"op_defaults", "NAME=VALUE…", "Set defaults of operations", "op_defaults timeout=60s", (*line).opDefaults},
		{"node", "NAME [attributes NAME=VALUE…] [utilization NAME=VALUE…]", "Describe a node", "node n1 attributes rack=a", (*line).node},
		{"tag", "ID OBJECT…", "Give several objects a name", "tag services web db", (*line).tag},
		{"fencing_topology", "[NODE:] DEVICE[,DEVICE]…", "Say which devices fence a node, in levels", "fencing_topology n1: ipmi-n1 sbd", (*line).topology},
		{"rsc_template", "ID AGENT [NAME=VALUE]… [op …]", "Add a template for resources", "rsc_template vm VirtualDomain op monitor interval=30s", (*line).template},
		{"rsc_ticket", "ID TICKET: RESOURCE[:ROLE] [loss-policy=WORD]", "Tie a resource to a ticket", "rsc_ticket t1 paris: web loss-policy=stop", (*line).ticket},
		{"modgroup", "ID add RESOURCE | remove RESOURCE", "Add a resource to a group or take it out", "modgroup web add extra", (*line).modgroup},
		{"monitor", "RESOURCE[:ROLE] INTERVAL[:TIMEOUT]", "Add a monitor operation", "monitor web 10s:20s", (*line).monitor},
	}
}

// Find finds a command by name; "master" and "simple" names that crmsh takes
// are taken too.
func Find(name string) (Command, bool) {
	switch name {
	case "master":
		name = "ms"
	case "collocation":
		name = "colocation"
	}
	all := Commands()
	i := slices.IndexFunc(all, func(c Command) bool { return c.Name == name })
	if i < 0 {
		return Command{}, false
	}
	return all[i], true
}

// ExistsError says that a name is taken.
type ExistsError struct{ Name string }

// Error names it.
func (e *ExistsError) Error() string {
	return fmt.Sprintf("%q exists already: change it with 'set' or 'edit', or delete it first", e.Name)
}

// Apply carries out one line, given as words, on a set of documents. The notes
// are sentences about what else was touched.
func Apply(set config.Set, words []string) (out config.Set, notes []string, err error) {
	if len(words) == 0 {
		return set, nil, nil
	}
	c, ok := Find(words[0])
	if !ok {
		return set, nil, fmt.Errorf("there is no configuration line that begins with %q", words[0])
	}
	l := &line{command: c, words: words[1:], set: set}
	if err := c.apply(l); err != nil {
		return set, nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return l.set, l.notes, nil
}

// line is one line on its way into the documents.
type line struct {
	command Command
	words   []string
	set     config.Set
	notes   []string
}

func (l *line) usage() error {
	return fmt.Errorf("it is written: %s %s", l.command.Name, l.command.Args)
}

// next takes the next word.
func (l *line) next() (string, bool) {
	if len(l.words) == 0 {
		return "", false
	}
	w := l.words[0]
	l.words = l.words[1:]
	return w, true
}

// id takes the next word as the name of a new object.
func (l *line) id() (string, error) {
	id, ok := l.next()
	if !ok || strings.Contains(id, "=") {
		return "", l.usage()
	}
	if _, _, err := config.Source(l.set, id); err == nil {
		return "", &ExistsError{id}
	}
	return id, nil
}

// pairs takes NAME=VALUE words, as many as there are.
func (l *line) pairs() []pair {
	var out []pair
	for len(l.words) > 0 {
		name, value, ok := strings.Cut(l.words[0], "=")
		if !ok || name == "" {
			break
		}
		out = append(out, pair{name, value})
		l.words = l.words[1:]
	}
	return out
}

// done refuses what is left over.
func (l *line) done() error {
	if len(l.words) > 0 {
		return fmt.Errorf("%q is not understood; %w", l.words[0], l.usage())
	}
	return nil
}

func (l *line) add(b *block) error {
	set, err := config.AddBlock(l.set, "", b.text())
	if err == nil {
		l.set = set
	}
	return err
}

type pair struct{ name, value string }
