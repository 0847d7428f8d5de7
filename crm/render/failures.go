package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/policy"
)

func (d *display) failureList() {
	if len(d.Failures) == 0 {
		return
	}
	d.section("Failed Resource Actions")
	for _, f := range d.Failures {
		d.item(failureLine(f))
	}
}

func failureLine(f Failure) string {
	text := fmt.Sprintf("%s_%s_%d on %s '%s' (%d): call=%d, status='%s'",
		f.Resource, f.Operation, f.IntervalMS, f.Node, ResultText(f.RC), f.RC, f.CallID, statusText(f.Status))
	if f.Reason != "" {
		text += ", exitreason='" + f.Reason + "'"
	}
	if !f.LastChange.IsZero() {
		text += ", last-rc-change=" + moment(f.LastChange)
	}
	return text + fmt.Sprintf(", queued=%dms, exec=%dms", f.QueueMS, f.ExecMS)
}

// ResultText names a result code of an agent.
func ResultText(rc int64) string {
	switch rc {
	case 0:
		return "ok"
	case 1:
		return "error"
	case 2:
		return "invalid parameter"
	case 3:
		return "unimplemented feature"
	case 4:
		return "insufficient privileges"
	case 5:
		return "not installed"
	case 6:
		return "not configured"
	case 7:
		return "not running"
	case 8:
		return "promoted"
	case 9:
		return "failed in promoted role"
	case 190:
		return "degraded"
	case 191:
		return "degraded promoted"
	}
	return "unknown"
}

func statusText(status int64) string {
	switch status {
	case policy.OpPending:
		return "pending"
	case policy.OpDone:
		return "complete"
	case policy.OpCancelled:
		return "cancelled"
	case policy.OpTimeout:
		return "Timed Out"
	case policy.OpNotSupported:
		return "NOT SUPPORTED"
	case policy.OpNotInstalled:
		return "Not installed"
	case policy.OpNotConnected:
		return "Internal communication failure"
	case policy.OpInvalid:
		return "Cannot execute now"
	case policy.OpNoFenceDevice:
		return "No fence device"
	case policy.OpNoSecrets:
		return "CIB secrets unavailable"
	}
	return "Error"
}

// Failures finds the failed operations in a status: those that ended otherwise
// than was expected and that no later success of the same operation replaced.
// Probes that found nothing, or found more than expected, are no failures.
func Failures(status *policy.Status) []Failure {
	var out []Failure
	for _, n := range status.Nodes {
		for _, h := range n.History {
			for _, op := range h.Ops {
				if failed(op) && !replaced(op, h.Ops) {
					out = append(out, failure(n, h, op))
				}
			}
		}
	}
	return out
}

func failed(op policy.OpRecord) bool {
	if op.Operation == "notify" || op.Status == policy.OpPending || op.Status == policy.OpCancelled || op.Status == policy.Unset {
		return false
	}
	if op.Operation == "monitor" && op.IntervalMS == 0 && (op.RC == 0 || op.RC == 7 || op.RC == 8) {
		return false
	}
	if op.ExpectedRC >= 0 {
		return op.RC != op.ExpectedRC || op.Status > policy.OpCancelled && op.Status != policy.OpError
	}
	return op.RC != 0 || op.Status != policy.OpDone
}

// replaced says whether a later entry about the same operation tells the same
// failure, or its end.
func replaced(op policy.OpRecord, all []policy.OpRecord) bool {
	for _, other := range all {
		if other.Operation != op.Operation || other.IntervalMS != op.IntervalMS || other.ID == op.ID {
			continue
		}
		if other.CallID > op.CallID || other.CallID == op.CallID && !isFailureRecord(other) && isFailureRecord(op) && failed(other) {
			return true
		}
	}
	return false
}

func isFailureRecord(op policy.OpRecord) bool { return strings.Contains(op.ID, "_last_failure_") }

func failure(n policy.NodeState, h policy.ResourceHistory, op policy.OpRecord) Failure {
	f := Failure{
		Resource: h.ID, Operation: op.Operation, IntervalMS: op.IntervalMS, Node: n.Name,
		RC: op.RC, Status: op.Status, CallID: op.CallID, Reason: op.ExitReason,
		QueueMS: op.QueueMS, ExecMS: op.ExecMS,
	}
	if op.LastChange > 0 && op.LastChange < 1<<40 {
		f.LastChange = time.Unix(op.LastChange, 0).UTC()
	}
	return f
}

// HistoryAgents names the agents of all resources that a status remembers, for
// View.Agents.
func HistoryAgents(status *policy.Status) map[string]string {
	out := make(map[string]string)
	for _, n := range status.Nodes {
		for _, h := range n.History {
			if h.Type != "" {
				out[h.ID] = Agent(h.Class, h.Provider, h.Type)
			}
		}
	}
	return out
}

func (d *display) fencingHistory() {
	if len(d.Fencing) == 0 {
		return
	}
	d.section("Fencing History")
	for _, e := range d.Fencing {
		d.item(d.fenceLine(e))
	}
}

func (d *display) fenceLine(e FenceEvent) string {
	outcome := string(e.Outcome)
	if e.Outcome == FenceFailed {
		outcome = d.bad(outcome)
	}
	var details []string
	add := func(name, value string) {
		if value != "" {
			details = append(details, name+"="+value)
		}
	}
	add("delegate", e.Delegate)
	add("client", e.Client)
	add("origin", e.Origin)
	if !e.Completed.IsZero() {
		add("completed", moment(e.Completed))
	}
	if e.Reason != "" {
		add("reason", "'"+e.Reason+"'")
	}
	text := e.Action + " of " + e.Target + " " + outcome
	if len(details) > 0 {
		text += ": " + strings.Join(details, ", ")
	}
	return text
}
