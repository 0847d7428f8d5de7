package state

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/policy"
)

// Command is one change, as it travels through the log. Exactly one of the
// pointers is set.
type Command struct {
	At   int64  `json:"at"`             // proposed, Unix milliseconds: the only time that Apply knows
	By   string `json:"by,omitempty"`   // who asks: "root@n1", or a node's name
	Term uint64 `json:"term,omitempty"` // set on a controller's commands: refused in any other term

	SetConfig    *SetConfig    `json:"set-config,omitempty"`
	Join         *Join         `json:"join,omitempty"`
	Lost         *Lost         `json:"lost,omitempty"`
	Leave        *Leave        `json:"leave,omitempty"`
	Left         *Left         `json:"left,omitempty"`
	Forget       *Forget       `json:"forget,omitempty"`
	Begin        *Begin        `json:"begin,omitempty"`
	Result       *Result       `json:"result,omitempty"`
	Expire       *Expire       `json:"expire,omitempty"`
	FenceBegin   *FenceBegin   `json:"fence-begin,omitempty"`
	FenceEnd     *FenceEnd     `json:"fence-end,omitempty"`
	FenceConfirm *FenceConfirm `json:"fence-confirm,omitempty"`
	SetNode      *SetNode      `json:"set-node,omitempty"`
	SetAttribute *SetAttribute `json:"set-attribute,omitempty"`
	SetResource  *SetResource  `json:"set-resource,omitempty"`
	AddRule      *ManualRule   `json:"add-rule,omitempty"`
	ClearRules   *ClearRules   `json:"clear-rules,omitempty"`
	StartMove    *Move         `json:"start-move,omitempty"`
	EndMove      *EndMove      `json:"end-move,omitempty"`
	Cleanup      *Cleanup      `json:"cleanup,omitempty"`
}

// SetConfig replaces the configuration, if Base is still the version in force.
type SetConfig struct {
	Base      int64          `json:"base"`
	Documents []Document     `json:"documents"`
	Policy    *policy.Config `json:"policy"`
	Cluster   Cluster        `json:"cluster,omitzero"`
	Comment   string         `json:"comment,omitempty"`
}

// Join makes a node a member that follows orders. The node proposes it itself,
// after it has caught up with the log.
type Join struct {
	Node        string `json:"node"`
	Boot        uint64 `json:"boot"`
	Incarnation uint64 `json:"incarnation"`
	Version     string `json:"version,omitempty"`
}

// Lost says that a member fell silent on all links for the failure timeout.
// Seen is the state's index on which that was found: a node that joined after it
// is not meant. 0 means whoever is there.
type Lost struct {
	Node string `json:"node"`
	Boot uint64 `json:"boot"`
	Seen uint64 `json:"seen,omitempty"`
}

// Leave asks that a node be drained so that it can go; Cancel takes it back.
type Leave struct {
	Node   string `json:"node"`
	Cancel bool   `json:"cancel,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Left says that a leaving node runs nothing any more and may go, or nothing but
// what the cluster may not stop there (Kept). Seen is the state's index on which
// that was found; 0 means whatever is true now.
type Left struct {
	Node string `json:"node"`
	Boot uint64 `json:"boot"`
	Kept []Kept `json:"kept,omitempty"`
	Seen uint64 `json:"seen,omitempty"`
}

// Forget removes a node that is down from the state.
type Forget struct {
	Node string `json:"node"`
}

// Begin orders operations. Seen is the state's index on which the decision was
// made: an operation is refused if something that it rests on changed since. The
// others of the batch begin all the same.
type Begin struct {
	Seen uint64      `json:"seen"`
	Ops  []Operation `json:"ops"`
}

// Result is what came of an operation, or what a watch noticed (Op is empty
// then).
type Result struct {
	Op          string          `json:"op,omitempty"`
	Node        string          `json:"node"`
	Incarnation uint64          `json:"incarnation"`
	Resource    string          `json:"resource"` // history name
	Record      policy.OpRecord `json:"record"`
}

// Expire ends an operation that its executor never answered.
type Expire struct {
	Op string `json:"op"`
}

// FenceBegin starts a fencing, or hands it to another executor: the attempt
// number must be one higher than that of the running one.
type FenceBegin struct {
	Target   string `json:"target"`
	Boot     uint64 `json:"boot"`
	Action   string `json:"action"`
	Reason   string `json:"reason"`
	Executor string `json:"executor"`
	Attempt  int    `json:"attempt"`
	DelayMS  int64  `json:"delay-ms,omitempty"`
	// Seen is the state's index on which it was decided: a target that joined after
	// it is not meant. 0 means whoever is there.
	Seen uint64 `json:"seen,omitempty"`

	// Requested names the operator who asked for it. Only such a request may
	// fence a node that is not lost.
	Requested string `json:"requested,omitempty"`
}

// FenceEnd is the outcome of one attempt, from its executor.
type FenceEnd struct {
	ID       string           `json:"id"`
	Attempt  int              `json:"attempt"`
	Target   string           `json:"target"`
	Boot     uint64           `json:"boot"`
	Executor string           `json:"executor"`
	Receipt  *fencing.Receipt `json:"receipt,omitempty"` // set: confirmed
	Error    string           `json:"error,omitempty"`
	Retry    int64            `json:"retry,omitempty"` // not before, Unix milliseconds
}

// FenceConfirm is a person's word that a node is off.
type FenceConfirm struct {
	Target  string          `json:"target"`
	Boot    uint64          `json:"boot"`
	Receipt fencing.Receipt `json:"receipt"`
}

// SetNode changes what an operator asked of a node. Nil fields stay.
type SetNode struct {
	Node          string `json:"node"`
	Standby       *bool  `json:"standby,omitempty"`
	StandbyReboot *bool  `json:"standby-until-reboot,omitempty"`
	Maintenance   *bool  `json:"maintenance,omitempty"`
}

// SetAttribute sets an until-reboot attribute of a node; an empty value with
// Delete removes it.
type SetAttribute struct {
	Node   string `json:"node"`
	Name   string `json:"name"`
	Value  string `json:"value"`
	Delete bool   `json:"delete,omitempty"`
}

// SetResource changes what an operator asked of a resource. Nil fields stay; an
// empty text returns to the configuration's word.
type SetResource struct {
	Resource    string  `json:"resource"`
	TargetRole  *string `json:"target-role,omitempty"`
	Maintenance *string `json:"maintenance,omitempty"`
	Managed     *string `json:"is-managed,omitempty"`
}

// ClearRules removes an operator's manual rules and moves of a resource.
type ClearRules struct {
	Resource string `json:"resource,omitempty"`
	ID       string `json:"id,omitempty"`
}

// EndMove ends a move that has arrived or run out.
type EndMove struct {
	Resource string `json:"resource"`
	At       int64  `json:"at"` // of the move that is meant
}

// Cleanup resets failure counts and failed results; the rest of the history
// stays. Empty fields mean all.
type Cleanup struct {
	Resource  string `json:"resource,omitempty"`
	Node      string `json:"node,omitempty"`
	Operation string `json:"operation,omitempty"` // "monitor_10000"
	Forget    bool   `json:"forget,omitempty"`    // drop the whole history, so that it is probed again
}

// Encode renders a command for the log.
func (c *Command) Encode() ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
	}
	return b, nil
}

// DecodeCommand reads a command from the log. Unknown fields are refused: a
// command of a newer version must not be half understood.
func DecodeCommand(b []byte) (*Command, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	c := &Command{}
	if err := d.Decode(c); err != nil {
		return nil, fmt.Errorf("decode command: %w", err)
	}
	return c, nil
}
