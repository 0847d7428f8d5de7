package crmsh

import (
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/crm/config"
)

func (l *line) property() error {
	return l.eachPair(config.SetOption)
}

func (l *line) rscDefaults() error {
	return l.eachPair(func(set config.Set, name, value string) (config.Set, error) {
		return config.SetDefault(set, "resource", name, value)
	})
}

func (l *line) opDefaults() error {
	return l.eachPair(func(set config.Set, name, value string) (config.Set, error) {
		return config.SetDefault(set, "op", name, duration(name, value))
	})
}

func (l *line) eachPair(fn func(config.Set, string, string) (config.Set, error)) error {
	if len(l.words) > 0 && strings.HasSuffix(l.words[0], ":") && !strings.Contains(l.words[0], "=") {
		l.words = l.words[1:] // the name of the set, which is ours to choose
	}
	pairs := l.pairs()
	if len(pairs) == 0 {
		return l.usage()
	}
	for _, p := range pairs {
		set, err := fn(l.set, p.name, p.value)
		if err != nil {
			return err
		}
		l.set = set
	}
	return l.done()
}

// node is "n1 attributes rack=a utilization cpu=4".
func (l *line) node() error {
	for len(l.words) > 0 && strings.HasPrefix(l.words[0], "$id=") {
		l.words = l.words[1:]
	}
	name, ok := l.next()
	if !ok {
		return l.usage()
	}
	name, kind, _ := strings.Cut(name, ":")
	b := newBlock("node", name)
	if kind != "" && kind != "member" && kind != "normal" {
		b.set("type", kind)
	}
	section := "attributes"
	for len(l.words) > 0 {
		switch l.words[0] {
		case "attributes", "utilization":
			section = l.words[0]
			l.words = l.words[1:]
			continue
		}
		pairs := l.pairs()
		if len(pairs) == 0 {
			return l.done()
		}
		b.sets(section, pairs)
	}
	if _, _, err := config.Source(l.set, name); err == nil {
		set, err := config.ReplaceBlock(l.set, name, b.text())
		l.set = set
		return err
	}
	return l.add(b)
}

func (l *line) tag() error {
	id, err := l.id()
	if err != nil {
		return err
	}
	if len(l.words) == 0 {
		return l.usage()
	}
	id = strings.TrimSuffix(id, ":")
	b := newBlock("tag", id)
	b.raw("members", references(l.words))
	l.words = nil
	return l.add(b)
}

// topology is "n1: ipmi-n1 sbd" or, for all nodes, "ipmi sbd". Devices of one
// level are joined by commas.
func (l *line) topology() error {
	target := ""
	var levels []string
	flush := func() error {
		if len(levels) == 0 {
			return nil
		}
		b := newBlock("fence_topology", topologyName(target))
		topologyTarget(b, target)
		for i, devices := range levels {
			level := newBlock("level", strconv.Itoa(i+1))
			level.raw("devices", references(strings.Split(devices, ",")))
			b.inner(level)
		}
		levels = nil
		return l.add(b)
	}
	if len(l.words) == 0 {
		return l.usage()
	}
	for _, w := range l.words {
		if name, ok := strings.CutSuffix(w, ":"); ok {
			if err := flush(); err != nil {
				return err
			}
			target = name
			continue
		}
		levels = append(levels, w)
	}
	if len(levels) == 0 {
		return l.usage()
	}
	return flush()
}

func topologyName(target string) string {
	var b strings.Builder
	for _, c := range target {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b.WriteRune(c)
		}
	}
	if b.Len() == 0 {
		return "topology-all"
	}
	return "topology-" + b.String()
}

func topologyTarget(b *block, target string) {
	switch {
	case target == "":
		b.set("target-pattern", ".*")
	case strings.HasPrefix(target, "pattern:"):
		b.set("target-pattern", strings.TrimPrefix(target, "pattern:"))
	case strings.HasPrefix(target, "attr:"):
		name, value, _ := strings.Cut(strings.TrimPrefix(target, "attr:"), "=")
		b.set("target-attribute", name)
		b.set("target-value", value)
	default:
		b.raw("target", reference(target))
	}
}
