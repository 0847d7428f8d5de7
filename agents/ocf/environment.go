package ocf

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/agents"
)

// featureSet is what agents compare to learn which output and which role names
// to expect from the cluster: that of Pacemaker 2.1 with OCF 1.1 roles.
const featureSet = "3.16.2"

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment is all that the agent is told, sorted, "NAME=value".
func (a *Agent) environment(req agents.Request) ([]string, error) {
	env := a.surroundings()
	env["OCF_RESOURCE_INSTANCE"] = req.Resource
	env["OCF_RESOURCE_TYPE"] = req.Agent.Type
	env["OCF_RESOURCE_PROVIDER"] = providerOf(req.Agent)
	env["OCF_CHECK_LEVEL"] = strconv.Itoa(req.CheckLevel())
	env[operationMark] = a.markOf(req.Node)
	env["OCF_RESKEY_crm_feature_set"] = featureSet
	for name, value := range req.Params {
		if name != agents.CheckLevelParam {
			env["OCF_RESKEY_"+name] = value
		}
	}
	for name, value := range meta(req) {
		env["OCF_RESKEY_CRM_meta_"+strings.ReplaceAll(name, "-", "_")] = value
	}
	list := make([]string, 0, len(env)+len(a.cfg.Env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		value := env[name]
		if strings.ContainsAny(name, "=\x00 \n") || strings.ContainsRune(value, 0) {
			plain := strings.TrimPrefix(strings.TrimPrefix(name, "OCF_RESKEY_"), "CRM_meta_")
			return nil, fmt.Errorf("parameter %q: neither name nor value can be given to an agent (no NUL; no =, space or newline in a name)", plain)
		}
		list = append(list, name+"="+value)
	}
	return append(list, a.cfg.Env...), nil
}

// surroundings is what does not depend on the request.
func (a *Agent) surroundings() map[string]string {
	debug := "0"
	if a.cfg.Debug {
		debug = "1"
	}
	env := map[string]string{
		"OCF_ROOT": a.cfg.Root, "OCF_RA_VERSION_MAJOR": "1", "OCF_RA_VERSION_MINOR": "1",
		"OCF_EXIT_REASON_PREFIX": exitReasonPrefix,
		"HA_RSCTMP":              a.cfg.RunDir, "HA_VARRUN": "/run",
		"HA_LOGFACILITY": "none", "HA_debug": debug, "HA_cluster_type": "corosync",
		"PCMK_debug": debug, "PCMK_logfacility": "none", "PCMK_cluster_type": "corosync", "PCMK_service": "holdfast",
		"PATH": searchPath, "HOME": a.cfg.Home, "USER": a.cfg.User, "LOGNAME": a.cfg.User, "SHELL": "/bin/sh",
		"LC_ALL": "C",
	}
	if a.cfg.ShimDir != "" {
		env["PATH"] = a.cfg.ShimDir + ":" + searchPath
		env["HA_SBIN_DIR"] = a.cfg.ShimDir
	}
	return env
}

// meta is the request's meta-attributes and what follows from the request itself.
func meta(req agents.Request) map[string]string {
	m := map[string]string{"on_node_uuid": req.Node}
	for name, value := range req.Meta {
		if name != agents.CheckLevelParam {
			m[strings.ReplaceAll(name, "-", "_")] = value
		}
	}
	m["name"] = string(req.Action)
	m["on_node"] = req.Node
	m["timeout"] = strconv.FormatInt(req.Timeout.Milliseconds(), 10)
	m["interval"] = strconv.FormatInt(req.Interval.Milliseconds(), 10)
	return m
}
