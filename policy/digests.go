package policy

import (
	"crypto/md5"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// digestKey names the parameters of an operation on a node.
type digestKey struct {
	node int
	op   opKey
}

// digests are the parameters of an operation now, and what was computed of
// them.
type digests struct {
	all      map[string]string
	main     string
	compared bool
}

// digestResult tells how parameters differ from those an operation ran with.
type digestResult uint8

const (
	digestSame digestResult = iota
	digestUnknown
	digestChanged
	digestRestart
)

// parameterDigest is the fingerprint of a parameter list.
func parameterDigest(params map[string]string) string {
	var b strings.Builder
	b.WriteString(" <parameters")
	for _, name := range sortedKeys(params) {
		b.WriteByte(' ')
		b.WriteString(name)
		b.WriteString(`="`)
		escapeXML(&b, params[name])
		b.WriteByte('"')
	}
	b.WriteString("/>\n")
	sum := md5.Sum([]byte(b.String())) // a fingerprint for comparing, no secret depends on it
	return hex.EncodeToString(sum[:])
}

func escapeXML(b *strings.Builder, s string) {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '"':
			b.WriteString("&quot;")
		case c < 0x20 || c == 0x7f:
			b.WriteString("&#x")
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
			b.WriteByte(';')
		default:
			b.WriteByte(c)
		}
	}
}

// digestParams are the parameters that an operation on a node would get.
func (m *model) digestParams(r *resource, n *node, key opKey) *digests {
	dk := digestKey{-1, key}
	if n != nil {
		dk.node = n.index
	}
	if d := r.digests[dk]; d != nil {
		return d
	}
	all := map[string]string{}
	if addr := m.bundleAddress(r); addr != "" {
		all["addr"] = addr
	}
	fillMissing(all, m.paramsFor(r, n))
	info := m.opInfo(r, key)
	fillMissing(all, m.opParams(info, n))
	for _, name := range sortedKeys(info.meta) {
		if !strings.ContainsAny(name, "#:") {
			cleaned := "CRM_meta_" + strings.ReplaceAll(name, "-", "_")
			if _, have := all[cleaned]; !have {
				all[cleaned] = info.meta[name]
			}
		}
	}
	dropInternal(all, key.interval > 0)
	d := &digests{all: all, main: parameterDigest(all)}
	if r.digests == nil {
		r.digests = map[digestKey]*digests{}
	}
	r.digests[dk] = d
	return d
}

// opParams are the parameters inside the configured operation.
func (m *model) opParams(info *opInfo, n *node) map[string]string {
	if info.op == nil || len(info.op.Params) == 0 {
		return nil
	}
	ctx := &ruleContext{}
	if n != nil {
		ctx.attrs = n.attrs
	}
	t := map[string]string{}
	m.fill(t, paramSets, info.op.Params, "", ctx)
	return t
}

// dropInternal takes out what is no parameter of the agent.
func dropInternal(t map[string]string, recurring bool) {
	for name := range t {
		switch name {
		case "id", "crm_feature_set", "op-digest", "on_node", "on_node_uuid", "pcmk_external_ip":
			delete(t, name)
		default:
			if strings.HasPrefix(name, "CRM_meta_") && (!recurring || name != "CRM_meta_timeout") {
				delete(t, name)
			}
		}
	}
}

// compareDigests compares the parameters of an entry with those of today.
func (m *model) compareDigests(r *resource, n *node, o *OpRecord) digestResult {
	key := opKey{o.Operation, o.IntervalMS}
	d := m.digestParams(r, n, key)
	first := !d.compared
	d.compared = true
	if o.RestartDigest != "" {
		subset := d.all
		if o.RestartParams != "" {
			subset = map[string]string{}
			for _, name := range strings.Fields(o.RestartParams) {
				if v, ok := d.all[name]; ok {
					subset[name] = v
				}
			}
		}
		if r.changedEntries[o] || parameterDigest(subset) != o.RestartDigest {
			return digestRestart
		}
	}
	switch {
	case r.changedEntries[o]:
		return digestRestart
	case o.Digest == "":
		return digestUnknown
	case o.Digest != d.main:
		info := m.opInfo(r, key)
		if o.IntervalMS == 0 && first && info.op != nil && len(info.op.Params) > 0 {
			return digestRestart
		}
		return digestChanged
	}
	return digestSame
}

// markChanged makes an entry count as one with other parameters.
func (m *model) markChanged(r *resource, o *OpRecord) {
	if r.changedEntries == nil {
		r.changedEntries = map[*OpRecord]bool{}
	}
	r.changedEntries[o] = true
}

// fenceOnlyParams are parameters of fence devices that say how to fence.
var fenceOnlyParams = []string{
	"provides", "stonith-timeout", "pcmk_action_limit", "pcmk_delay_base", "pcmk_delay_max",
	"pcmk_host_argument", "pcmk_host_check", "pcmk_host_list", "pcmk_host_map",
}

// secureDigest is the fingerprint without the parameters that may be secret.
func (m *model) secureDigest(r *resource, n *node, key opKey, secret string, featureSet string) string {
	t := map[string]string{}
	old := compareVersions(featureSet, "3.16.0") < 0
	if old {
		if addr := m.bundleAddress(r); addr != "" {
			t["addr"] = addr
		}
		fillMissing(t, m.paramsFor(r, n))
	} else {
		fillMissing(t, m.digestParams(r, n, key).all)
	}
	for _, name := range strings.Fields(secret) {
		delete(t, name)
	}
	if old {
		if r.fenceDevice {
			for name := range t {
				if slices.Contains(fenceOnlyParams, name) || strings.HasPrefix(name, "pcmk_") &&
					(strings.HasSuffix(name, "_action") || strings.HasSuffix(name, "_timeout") || strings.HasSuffix(name, "_retries")) {
					delete(t, name)
				}
			}
		}
		dropInternal(t, false)
	}
	return parameterDigest(t)
}

// onlySecretsChanged tells whether an entry differs in masked parameters only.
func (m *model) onlySecretsChanged(r *resource, n *node, o *OpRecord) bool {
	if o.SecureDigest == "" {
		return false
	}
	features := o.FeatureSet
	if features == "" {
		features = m.st.FeatureSet
	}
	return m.secureDigest(r, n, opKey{o.Operation, o.IntervalMS}, o.SecureParams, features) == o.SecureDigest
}

func itoa(v int64) string { return strconv.FormatInt(v, 10) }

func lowerText(s string) string { return strings.ToLower(s) }
