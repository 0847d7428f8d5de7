package crmsh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/crm/config"
)

// reserved are the words of a resource block that cannot be parameters there.
var reserved = []string{
	"description", "for_each", "prefers", "avoids", "with", "after", "targets", "unit", "id", "params", "meta", "op", "operations",
	"utilization", "clone", "promotable", "check", "rule", "nvpair",
}

// builtIn are the agents that are named without a class.
var builtIn = []string{"vip", "filesystem", "lvm", "exportfs", "process", "ping", "virtual_server", "fake"}

func (l *line) primitive() error {
	id, err := l.id()
	if err != nil {
		return err
	}
	agent, ok := l.next()
	if !ok || strings.Contains(agent, "=") {
		return l.usage()
	}
	b := resourceBlock(id, agent)
	if err := l.body(b); err != nil {
		return err
	}
	return l.add(b)
}

// resourceBlock chooses the block for an agent.
func resourceBlock(id, agent string) *block {
	if device, ok := strings.CutPrefix(agent, "stonith:"); ok {
		return newBlock("fence", device, id)
	}
	if unit, ok := strings.CutPrefix(agent, "systemd:"); ok {
		b := newBlock("resource", "systemd", id)
		if !strings.Contains(unit, ".") {
			unit += ".service"
		}
		b.set("unit", unit)
		return b
	}
	return newBlock("resource", agentName(agent), id)
}

// agentName is the full name of an agent: crmsh lets class and provider out.
func agentName(agent string) string {
	switch {
	case strings.HasPrefix(agent, "@"), slices.Contains(builtIn, agent):
		return agent
	case !strings.Contains(agent, ":"):
		return "ocf:heartbeat:" + agent
	case strings.HasPrefix(agent, "ocf:") && strings.Count(agent, ":") == 1:
		return "ocf:heartbeat:" + strings.TrimPrefix(agent, "ocf:")
	case strings.Count(agent, ":") == 1 && !hasClass(agent):
		return "ocf:" + agent
	}
	return agent
}

func hasClass(agent string) bool {
	class, _, _ := strings.Cut(agent, ":")
	return slices.Contains([]string{"ocf", "systemd", "lsb", "service", "stonith", "holdfast"}, class)
}

// body reads params, meta, utilization and op, in any order.
func (l *line) body(b *block) error {
	section := "params"
	for len(l.words) > 0 {
		switch word := l.words[0]; {
		case slices.Contains([]string{"params", "meta", "utilization", "operations"}, word):
			section = word
			l.words = l.words[1:]
		case word == "op":
			l.words = l.words[1:]
			if err := l.op(b); err != nil {
				return err
			}
		case strings.HasPrefix(word, "description="):
			b.set("description", strings.TrimPrefix(word, "description="))
			l.words = l.words[1:]
		default:
			pairs := l.pairs()
			if len(pairs) == 0 {
				return l.done()
			}
			l.section(b, section, pairs)
		}
	}
	return nil
}

func (l *line) section(b *block, section string, pairs []pair) {
	if section != "params" {
		b.sets(section, pairs)
		return
	}
	var odd []pair
	for _, p := range pairs {
		if isIdentifier(p.name) && !slices.Contains(reserved, p.name) {
			b.set(p.name, p.value)
		} else {
			odd = append(odd, p)
		}
	}
	b.sets("params", odd)
}

// opAttributes are the words of an operation; all others are parameters of it.
var opAttributes = []string{
	"interval", "timeout", "on-fail", "role", "enabled", "start-delay", "record-pending", "interval-origin", "requires", "description",
}

func (l *line) op(b *block) error {
	name, ok := l.next()
	if !ok {
		return l.usage()
	}
	o := newBlock("op", name)
	var params []pair
	for _, p := range l.pairs() {
		switch {
		case p.name == "role":
			o.set("role", role(p.value))
		case slices.Contains(opAttributes, p.name):
			o.set(p.name, duration(p.name, p.value))
		default:
			params = append(params, p)
		}
	}
	o.sets("params", params)
	b.inner(o)
	return nil
}

// duration adds the unit to a bare number of seconds.
func duration(name, value string) string {
	switch name {
	case "interval", "timeout", "start-delay":
		if value != "" && strings.Trim(value, "0123456789") == "" {
			return value + "s"
		}
	}
	return value
}

func role(word string) string {
	switch strings.ToLower(word) {
	case "master":
		return "Promoted"
	case "slave":
		return "Unpromoted"
	}
	return word
}

func (l *line) group() error {
	id, err := l.id()
	if err != nil {
		return err
	}
	var members []string
	for len(l.words) > 0 && l.words[0] != "meta" && l.words[0] != "params" && !strings.Contains(l.words[0], "=") {
		m, _ := l.next()
		members = append(members, m)
	}
	if len(members) == 0 {
		return l.usage()
	}
	set, err := config.Group(l.set, id, members)
	if err != nil {
		return err
	}
	l.set = set
	return l.meta(id)
}

// meta reads "meta NAME=VALUE…" and sets each on an object.
func (l *line) meta(id string) error {
	if len(l.words) > 0 && l.words[0] == "meta" {
		l.words = l.words[1:]
	}
	for _, p := range l.pairs() {
		set, err := config.SetMeta(l.set, id, p.name, p.value)
		if err != nil {
			return err
		}
		l.set = set
	}
	return l.done()
}

func (l *line) clone() error      { return l.cloned("clone") }
func (l *line) promotable() error { return l.cloned("promotable") }

// cloned puts a clone block into a resource or group.
func (l *line) cloned(kind string) error {
	id, err := l.id()
	if err != nil {
		return err
	}
	rsc, ok := l.next()
	if !ok || strings.Contains(rsc, "=") {
		return l.usage()
	}
	_, text, err := config.Source(l.set, rsc)
	if err != nil {
		return err
	}
	c := newBlock(kind)
	if id != rsc+"-clone" {
		c.set("id", id)
	}
	if len(l.words) > 0 && l.words[0] == "meta" {
		l.words = l.words[1:]
	}
	for _, p := range l.pairs() {
		if p.name == "promotable" && p.value == "true" && kind == "clone" {
			c.head = "promotable"
			continue
		}
		c.pair(p)
	}
	if err := l.done(); err != nil {
		return err
	}
	return l.insert(rsc, text, c)
}

// insert adds an inner block at the end of the block of an object.
func (l *line) insert(id, text string, inner *block) error {
	text = strings.TrimRight(text, " \t\r\n")
	end := strings.LastIndexByte(text, '}')
	if end < 0 {
		return fmt.Errorf("the block of %q can not be extended", id)
	}
	head := strings.TrimRight(text[:end], " \t\n")
	if !strings.Contains(text, "\n") { // a block of one line can not hold another one
		open := strings.IndexByte(head, '{')
		head = head[:open+1] + "\n" + strings.TrimSpace(head[open+1:])
	}
	set, err := config.ReplaceBlock(l.set, id, string(config.Format([]byte(head+"\n"+inner.text()+"}\n"))))
	if err != nil {
		return err
	}
	l.set = set
	return nil
}

func (l *line) template() error {
	id, err := l.id()
	if err != nil {
		return err
	}
	agent, ok := l.next()
	if !ok {
		return l.usage()
	}
	b := newBlock("template", agentName(agent), id)
	if err := l.body(b); err != nil {
		return err
	}
	return l.add(b)
}

// monitor is "web:Promoted 10s:20s".
func (l *line) monitor() error {
	target, ok := l.next()
	when, ok2 := l.next()
	if !ok || !ok2 {
		return l.usage()
	}
	name, in, _ := strings.Cut(target, ":")
	interval, timeout, _ := strings.Cut(when, ":")
	_, text, err := config.Source(l.set, name)
	if err != nil {
		return err
	}
	o := newBlock("op", "monitor")
	o.set("interval", duration("interval", interval))
	if timeout != "" {
		o.set("timeout", duration("timeout", timeout))
	}
	if in != "" {
		o.set("role", role(in))
	}
	if err := l.done(); err != nil {
		return err
	}
	return l.insert(name, text, o)
}

// modgroup is "web add extra" or "web remove extra".
func (l *line) modgroup() error {
	id, _ := l.next()
	verb, _ := l.next()
	member, ok := l.next()
	if !ok {
		return l.usage()
	}
	if err := l.done(); err != nil {
		return err
	}
	_, group, err := config.Source(l.set, id)
	if err != nil {
		return err
	}
	_, text, err := config.Source(l.set, member)
	if err != nil {
		return err
	}
	inside := strings.Contains(group, strings.TrimSpace(text))
	if !strings.HasPrefix(strings.TrimSpace(group), "group ") {
		return fmt.Errorf("%q is no group", id)
	}
	switch {
	case verb == "add" && inside:
		return fmt.Errorf("%q is in %q already", member, id)
	case verb == "remove" && !inside:
		return fmt.Errorf("%q is not in %q", member, id)
	case verb == "add":
		set, err := removeText(l.set, member)
		if err != nil {
			return err
		}
		l.set = set
		return l.insert(id, group, &block{head: strings.TrimSuffix(strings.TrimSpace(headOf(text)), "{"), lines: bodyOf(text)})
	case verb == "remove":
		rest := strings.Replace(group, text, "", 1)
		set, err := config.ReplaceBlock(l.set, id, rest)
		if err != nil {
			return err
		}
		l.set, err = config.AddBlock(set, "", strings.TrimSpace(text)+"\n")
		return err
	}
	return l.usage()
}
