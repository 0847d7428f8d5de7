package policy

// Status is what is known of the cluster's present: who is here, what ran
// where with which result. Decide reads it and never changes it.
type Status struct {
	Quorum        bool          `json:"quorum"`
	DC            string        `json:"dc,omitempty"`              // node id of the designated controller
	NoQuorumPanic int           `json:"no-quorum-panic,omitempty"` // see option no-quorum-policy=fence
	FeatureSet    string        `json:"feature-set,omitempty"`     // of an imported CIB
	Nodes         []NodeState   `json:"nodes,omitempty"`
	Tickets       []TicketState `json:"tickets,omitempty"`
}

// NodeState is the state of one node. The text fields keep the words of a CIB's
// node_state; nil means that the attribute is absent.
type NodeState struct {
	ID          string            `json:"id"`
	Name        string            `json:"name,omitempty"`
	Remote      bool              `json:"remote,omitempty"`
	InCCM       *string           `json:"in-ccm,omitempty"`     // member since: boolean or epoch seconds
	Online      *string           `json:"online,omitempty"`     // the CIB's "crmd": offline, online or epoch seconds
	Join        *string           `json:"join,omitempty"`       // member, pending, down, banned
	Expected    *string           `json:"expected,omitempty"`   // member, down
	Fenced      string            `json:"fenced,omitempty"`     // the CIB's "node_fenced", of remote nodes
	Attributes  []NVSet           `json:"attributes,omitempty"` // until-reboot attributes
	Utilization []NVSet           `json:"utilization,omitempty"`
	History     []ResourceHistory `json:"history,omitempty"`
}

// ResourceHistory is what one node remembers of one resource.
type ResourceHistory struct {
	ID           string     `json:"id"` // may carry an instance number, "db:0"
	Class        string     `json:"class,omitempty"`
	Provider     string     `json:"provider,omitempty"`
	Type         string     `json:"type,omitempty"`
	Container    string     `json:"container,omitempty"`
	ShutdownLock string     `json:"shutdown-lock,omitempty"` // epoch seconds; "" or "0" is none
	Ops          []OpRecord `json:"ops,omitempty"`
}

// Values of OpRecord.Status (the CIB's op-status).
const (
	OpPending       = -1
	OpDone          = 0
	OpCancelled     = 1
	OpTimeout       = 2
	OpNotSupported  = 3
	OpError         = 4
	OpHardError     = 5
	OpFatalError    = 6
	OpNotInstalled  = 7
	OpNotConnected  = 8
	OpInvalid       = 9
	OpNoFenceDevice = 10
	OpNoSecrets     = 11
)

// Unset stands for an absent or unreadable number in an OpRecord.
const Unset = -1 << 62

// OpRecord is the last known result of one operation of one resource on one
// node; or, with Status OpPending, that it was begun.
type OpRecord struct {
	ID           string `json:"id,omitempty"`  // "A_last_0", "A_monitor_10000", "A_last_failure_0"
	Key          string `json:"key,omitempty"` // "A_start_0"; when empty, ID is the key
	Operation    string `json:"operation"`     // start, stop, monitor …
	IntervalMS   int64  `json:"interval-ms,omitempty"`
	CallID       int64  `json:"call-id"`                 // orders the operations of a node; -1 or Unset: pending
	RC           int64  `json:"rc"`                      // OCF result code, or Unset
	Status       int64  `json:"status"`                  // OpDone …, or Unset
	ExpectedRC   int64  `json:"expected-rc"`             // what the decision expected; Unset when unknown
	TransitionID int64  `json:"transition-id,omitempty"` // of the decision that asked for it; Unset when unknown
	Decider      string `json:"decider,omitempty"`       // identity of who decided: a new one makes transition ids incomparable
	MagicOK      bool   `json:"magic-ok,omitempty"`      // TransitionID and Decider are well-formed
	OnNode       string `json:"on-node,omitempty"`
	ExitReason   string `json:"exit-reason,omitempty"`
	LastChange   int64  `json:"last-change,omitempty"` // epoch seconds of the last change of result; 0 or Unset: unknown
	LastRun      int64  `json:"last-run,omitempty"`
	ExecMS       int64  `json:"exec-ms,omitempty"`
	QueueMS      int64  `json:"queue-ms,omitempty"`

	MigrateSource string `json:"migrate-source,omitempty"`
	MigrateTarget string `json:"migrate-target,omitempty"`

	// Digests of the parameters with which the operation ran.
	Digest        string `json:"digest,omitempty"`
	RestartDigest string `json:"restart-digest,omitempty"`
	RestartParams string `json:"restart-params,omitempty"` // the CIB's op-force-restart
	SecureDigest  string `json:"secure-digest,omitempty"`
	SecureParams  string `json:"secure-params,omitempty"`
	FeatureSet    string `json:"feature-set,omitempty"`
}

// TicketState is a geo-cluster ticket.
type TicketState struct {
	ID          string `json:"id"`
	Granted     bool   `json:"granted,omitempty"`
	Standby     bool   `json:"standby,omitempty"`
	LastGranted int64  `json:"last-granted,omitempty"` // epoch seconds; -1: never
	Attributes  []Pair `json:"attributes,omitempty"`
}
