package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// valueKind says what values a known name takes.
type valueKind struct {
	what  string   // "", "boolean", "score", "integer", "duration", "timeout", "words"
	words []string // for "words"
	also  []string // old names, taken and not advertised
	exact bool     // the case of the letters matters
}

var (
	anyValue    = valueKind{}
	isBoolean   = valueKind{what: "boolean"}
	isScore     = valueKind{what: "score"}
	isInteger   = valueKind{what: "integer"}
	isDuration  = valueKind{what: "duration"}
	isTimeout   = valueKind{what: "timeout"}
	isRole      = valueKind{what: "words", words: []string{"Stopped", "Started", "Unpromoted", "Promoted"}, also: []string{"Slave", "Master"}}
	isAction    = valueKind{what: "words", words: []string{"reboot", "off"}, exact: true}
	onFailWords = []string{"ignore", "block", "stop", "demote", "restart", "ban", "fence", "standby", "restart-container"}
)

func words(w ...string) valueKind { return valueKind{what: "words", words: w} }

// optionKinds are the cluster options. They have the names of Pacemaker's
// cluster properties, old ones included.
var optionKinds = map[string]valueKind{
	"batch-limit": isInteger, "cancel-removed-actions": isBoolean, "stop-orphan-actions": isBoolean,
	"cluster-delay": isDuration, "cluster-infrastructure": anyValue, "cluster-ipc-limit": isInteger, "cluster-name": anyValue,
	"cluster-recheck-interval": isDuration, "concurrent-fencing": isBoolean, "dc-deadtime": isDuration, "dc-version": anyValue,
	"election-timeout": isDuration, "enable-acl": isBoolean, "enable-startup-probes": isBoolean,
	"fence-remote-without-quorum": isBoolean, "fencing-action": isAction, "stonith-action": isAction,
	"fencing-enabled": isBoolean, "stonith-enabled": isBoolean, "fencing-max-attempts": isScore, "stonith-max-attempts": isScore,
	"fencing-reaction": words("stop", "panic"), "fence-reaction": words("stop", "panic"),
	"fencing-timeout": isDuration, "stonith-timeout": isDuration,
	"fencing-watchdog-timeout": isTimeout, "stonith-watchdog-timeout": isTimeout, "have-watchdog": isBoolean,
	"join-finalization-timeout": isDuration, "join-integration-timeout": isDuration, "last-lrm-refresh": anyValue, "load-threshold": anyValue,
	"maintenance-mode": isBoolean, "migration-limit": isInteger,
	"no-quorum-policy":  words("stop", "freeze", "ignore", "demote", "fence", "suicide"),
	"node-action-limit": isInteger, "node-health-base": isScore, "node-health-green": isScore, "node-health-red": isScore,
	"node-health-strategy": words("none", "migrate-on-red", "only-green", "progressive", "custom"), "node-health-yellow": isScore,
	"node-pending-timeout": isDuration, "pe-error-series-max": isInteger, "pe-input-series-max": isInteger, "pe-warn-series-max": isInteger,
	"placement-strategy":     words("default", "utilization", "minimal", "balanced"),
	"priority-fencing-delay": isDuration, "shutdown-escalation": isDuration, "shutdown-lock": isBoolean, "shutdown-lock-limit": isDuration,
	"start-failure-is-fatal": isBoolean, "startup-fencing": isBoolean, "stop-all-resources": isBoolean,
	"stop-removed-resources": isBoolean, "stop-orphan-resources": isBoolean, "symmetric-cluster": isBoolean, "transition-delay": isDuration,
}

// metaKinds are the meta-attributes of resources of any shape.
var metaKinds = map[string]valueKind{
	"allow-migrate": isBoolean, "allow-unhealthy-nodes": isBoolean, "container-attribute-target": words("host"), "critical": isBoolean,
	"failure-timeout": isDuration, "is-managed": isBoolean, "maintenance": isBoolean, "migration-threshold": isScore,
	"multiple-active": words("stop_start", "stop_only", "block", "stop_unexpected"), "priority": isScore, "provides": anyValue,
	"remote-addr": anyValue, "remote-allow-migrate": isBoolean, "remote-connect-timeout": isTimeout, "remote-node": anyValue, "remote-port": isInteger,
	"requires": words("nothing", "quorum", "fencing", "unfencing"), "resource-stickiness": isScore, "target-role": isRole,
	// of groups
	"ordered": isBoolean, "collocated": isBoolean,
	// of clones
	"clone-max": isInteger, "clone-min": isInteger, "clone-node-max": isInteger, "globally-unique": isBoolean, "interleave": isBoolean,
	"notify": isBoolean, "promotable": isBoolean, "promoted-max": isInteger, "promoted-node-max": isInteger,
	"master-max": isInteger, "master-node-max": isInteger,
}

// opKinds are the attributes of operations.
var opKinds = map[string]valueKind{
	"description": anyValue, "enabled": isBoolean, "interval": isDuration, "interval-origin": anyValue, "on-fail": words(onFailWords...),
	"record-pending": isBoolean, "role": isRole, "start-delay": isDuration, "timeout": isTimeout,
}

// opNames are the operations that a cluster may run by itself.
var opNames = []string{
	"start", "stop", "monitor", "promote", "demote", "notify", "reload", "reload-agent",
	"migrate", "migrate_to", "migrate_from", "validate-all", "meta-data", "status",
}

// checkKnown checks a value against the kind that its name has. A name nobody
// knows may be meant for something else, so it only draws a warning; one that
// looks like a slip of the finger is an error.
func (d *decoder) checkKnown(s scalar, name, what string, kinds map[string]valueKind) {
	kind, ok := kinds[name]
	if !ok {
		known := slices.Collect(maps.Keys(kinds))
		if near := suggest(name, known); near != "" && distance(name, near) <= 2 {
			d.unfit(s, s.rng, "Unknown "+what, "there is no %s %q. Did you mean %q?", what, name, near)
			return
		}
		d.warnf(s.rng, "Unknown "+what, "there is no %s %q; it is kept and has no effect", what, name)
		return
	}
	if s.text == "#default" {
		return
	}
	d.checkKind(s, name, kind)
}

func (d *decoder) checkKind(s scalar, name string, kind valueKind) {
	switch kind.what {
	case "boolean":
		if _, ok := parseBool(s.text); !ok {
			d.unfit(s, s.rng, "Wrong value", "%s = %q: write true or false", name, s.text)
		}
	case "score":
		d.checkScore(s, name)
	case "integer":
		if _, err := strconv.ParseInt(s.text, 10, 64); err != nil {
			d.unfit(s, s.rng, "Wrong number", "%s = %q is no whole number", name, s.text)
		}
	case "duration":
		d.checkDuration(s, name, true)
	case "timeout":
		d.checkDuration(s, name, false)
	case "words":
		if !kind.has(s.text) {
			d.notOneOf(s, name, kind.words)
		}
	}
}

// has says whether a word is one of the kind's.
func (k valueKind) has(word string) bool {
	return slices.ContainsFunc(slices.Concat(k.words, k.also), func(w string) bool {
		return w == word || !k.exact && strings.EqualFold(w, word)
	})
}

// notOneOf reports a word that is none of those allowed.
func (d *decoder) notOneOf(s scalar, name string, words []string) {
	if len(words) == 1 {
		d.unfit(s, s.rng, "Wrong value", "%s = %q: only %q can stand here", name, s.text, words[0])
		return
	}
	d.unfit(s, s.rng, "Wrong value", "%s = %q: it must be one of %s.%s", name, s.text, listed(words), didYouMean(s.text, words))
}
