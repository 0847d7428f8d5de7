package policy

import (
	"slices"
	"strconv"
	"strings"
)

// opKey names an operation of a resource: the task (or, for notifications,
// words such as "pre_notify_start") and the interval.
type opKey struct {
	task     string
	interval int64
}

// opInfo is what the configuration says about one operation.
type opInfo struct {
	op         *Op // nil if not configured
	meta       map[string]string
	timeout    int64 // ms
	startDelay int64 // ms
	onFail     string
}

// operations are the configured operations of a primitive.
func (m *model) operations(r *resource) []Op {
	if r.opsCache == nil {
		o := m.resolveOperations(r.cfg.Operations)
		for i := range o.List {
			if o.List[i].IDRef != "" {
				o.List = slices.Clone(o.List)
				break
			}
		}
		for i := range o.List {
			if ref := o.List[i].IDRef; ref != "" {
				if target := m.refs().op[ref]; target != nil {
					o.List[i] = *target
				}
			}
		}
		r.opsCache = &o
	}
	return r.opsCache.List
}

func (op *Op) intervalMS() int64 {
	ms, _ := parseInterval(op.Interval)
	return ms
}

func (op *Op) disabled() bool {
	v, ok := parseBool(attr(op.Attributes, "enabled"))
	return ok && !v
}

// findOp finds the configuration of an operation.
func (m *model) findOp(r *resource, task string, interval int64, withDisabled bool) *Op {
	find := func(task string, interval int64) *Op {
		ops := m.operations(r)
		for i := range ops {
			if ops[i].Name == task && ops[i].intervalMS() == interval && (withDisabled || !ops[i].disabled()) {
				return &ops[i]
			}
		}
		return nil
	}
	if op := find(task, interval); op != nil {
		return op
	}
	switch {
	case task == TaskMigrateTo || task == TaskMigrateFrom:
		return find("migrate", 0)
	case strings.Contains(task, "notify"):
		return find(TaskNotify, 0)
	}
	return nil
}

// opInfo evaluates the meta-attributes of an operation.
func (m *model) opInfo(r *resource, key opKey) *opInfo {
	if info := r.opInfos[key]; info != nil {
		return info
	}
	op := m.findOp(r, key.task, key.interval, true)
	info := &opInfo{op: op, meta: map[string]string{}}
	ctx := r.agentContext()
	ctx.hasOp, ctx.opName, ctx.opInterval = true, key.task, key.interval
	if op != nil {
		m.fill(info.meta, metaSets, op.Meta, "", ctx)
		info.meta["name"] = op.Name
		for _, p := range op.Attributes {
			if !p.NoValue {
				info.meta[p.Name] = p.Value
			}
		}
	}
	probe := key.task == TaskMonitor && key.interval == 0
	if _, have := info.meta["timeout"]; !have && probe {
		if t := m.monitorTimeout(r); t != "" {
			info.meta["timeout"] = t
		}
	}
	m.fill(info.meta, metaSets, m.cfg.OpDefaults, "", ctx)
	delete(info.meta, "id")
	delete(info.meta, "interval")
	if key.interval > 0 {
		info.meta["interval"] = strconv.FormatInt(key.interval, 10)
	}
	if r.fenceDevice && (probe || key.task == TaskStart) {
		if t, ok := m.paramsFor(r, nil)["pcmk_monitor_timeout"]; ok {
			info.meta["timeout"] = t
		}
	}
	info.timeout = parseTimeout(info.meta["timeout"])
	info.meta["timeout"] = strconv.FormatInt(info.timeout, 10)
	m.validateOnFail(r, key, info)
	m.readStartDelay(key, info)
	if r.opInfos == nil {
		r.opInfos = map[opKey]*opInfo{}
	}
	r.opInfos[key] = info
	return info
}

// monitorTimeout is the timeout of the most frequent monitor, which probes
// borrow.
func (m *model) monitorTimeout(r *resource) string {
	ops := m.operations(r)
	best, bestMS := -1, int64(0)
	for i := range ops {
		ms := ops[i].intervalMS()
		if ops[i].Name == TaskMonitor && ms > 0 && !ops[i].disabled() && (best < 0 || ms < bestMS) {
			best, bestMS = i, ms
		}
	}
	if best < 0 {
		return ""
	}
	return attr(ops[best].Attributes, "timeout")
}

func (m *model) readStartDelay(key opKey, info *opInfo) {
	if v, ok := info.meta["start-delay"]; ok {
		ms, _ := parseMS(v)
		info.startDelay = min(max(ms, 0), maxInt32)
	} else if v, ok := info.meta["interval-origin"]; ok && key.interval > 0 {
		origin, ok := m.parseDate(v)
		if !ok {
			return
		}
		every := roundedSeconds(key.interval)
		d := (m.now.Unix() - origin.Unix()) % every
		if d > 0 {
			d -= every
		}
		info.startDelay = -d * 1000
	} else {
		return
	}
	info.meta["start-delay"] = strconv.FormatInt(info.startDelay, 10)
}

// validateOnFail drops values that make no sense for the operation.
func (m *model) validateOnFail(r *resource, key opKey, info *opInfo) {
	v, given := info.meta["on-fail"]
	info.onFail = strings.ToLower(v)
	drop := func() {
		m.problem(false, r.name, r.cfg.Pos, "on-fail %q is not possible for %s of %q; the default is used", v, key.task, r.name)
		delete(info.meta, "on-fail")
		info.onFail = ""
	}
	switch {
	case key.task == "lrm_delete":
		info.onFail = "ignore"
	case key.task == TaskStop && (info.onFail == "standby" || info.onFail == "demote" || info.onFail == "stop"):
		drop()
	case key.task == TaskDemote && !given:
		if inherited := m.promotedMonitorOnFail(r); inherited != "" {
			info.meta["on-fail"] = inherited
			info.onFail = strings.ToLower(inherited)
		}
	}
	if info.onFail == "demote" && !info.op.mayDemote() {
		drop()
	}
}

// mayDemote tells whether on-fail=demote makes sense for the operation.
func (op *Op) mayDemote() bool {
	if op == nil {
		return false
	}
	return op.Name == TaskPromote ||
		op.Name == TaskMonitor && op.intervalMS() > 0 && parseRole(attr(op.Attributes, "role")) == promoted
}

// promotedMonitorOnFail is what a demote inherits from the monitor of promoted
// instances.
func (m *model) promotedMonitorOnFail(r *resource) string {
	found := ""
	ops := m.operations(r)
	for i := range ops {
		op := &ops[i]
		v := attr(op.Attributes, "on-fail")
		if op.Name == TaskMonitor && v != "" && parseRole(attr(op.Attributes, "role")) == promoted &&
			op.intervalMS() > 0 && !op.disabled() && !strings.EqualFold(v, "demote") {
			found = v
		}
	}
	return found
}

// response is what a failure leads to; the order is that of severity.
type response uint8

const (
	respIgnore response = iota
	respDemote
	respRestart
	respResetRemote
	respRestartContainer
	respBan
	respBlock
	respStop
	respStandby
	respFence
)

var responseNames = [...]string{
	"ignore", "demote", "restart", "reset-remote", "restart-container", "ban", "block", "stop", "standby", "fence",
}

func (r response) String() string { return responseNames[r] }

// failureResponse is what a failed operation of a resource leads to.
func (m *model) failureResponse(r *resource, task string, interval int64) response {
	v := m.opInfo(r, opKey{task, interval}).onFail
	probe := task == TaskMonitor && interval == 0
	remote := r.isRemoteConnection() && r.launcher == nil && task != TaskStart && !probe
	if remote && !r.managed {
		v = ""
	}
	switch v {
	case "ignore", "nothing":
		return respIgnore
	case "demote":
		return respDemote
	case "restart":
		return respRestart
	case "restart-container":
		if r.launcher != nil {
			return respRestartContainer
		}
	case "migrate":
		return respBan
	case "block":
		return respBlock
	case "stop":
		return respStop
	case "standby":
		return respStandby
	case "fence":
		if m.opt.fencing {
			return respFence
		}
		m.problem(true, r.name, r.cfg.Pos, "on-fail=fence of %q needs fencing enabled; stop is used", r.name)
		return respStop
	}
	switch {
	case r.launcher != nil:
		return respRestartContainer
	case remote && r.managed:
		return respResetRemote
	case remote:
		return respStop
	case task == TaskStop && m.opt.fencing:
		return respFence
	case task == TaskStop:
		return respBlock
	}
	return respRestart
}

// roleAfterFailure is the most that the resource may be after the failure.
func roleAfterFailure(r *resource, task string, h response) role {
	switch {
	case h == respStop, h == respResetRemote && r.reconnect > 0:
		return stopped
	case task == TaskPromote:
		return unpromoted
	}
	return started
}
