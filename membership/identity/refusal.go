package identity

import "fmt"

// RefusalCode says why a join was refused.
type RefusalCode string

// The reasons for which a cluster refuses a join.
const (
	WrongToken    RefusalCode = "wrong-token"     // no such token, or its secret does not match
	TokenUsed     RefusalCode = "token-used"      // another machine joined with it
	TokenExpired  RefusalCode = "token-expired"   //
	NameTaken     RefusalCode = "name-taken"      // a member has that name
	AddressTaken  RefusalCode = "address-taken"   // a member has one of the addresses
	VersionTooNew RefusalCode = "version-too-new" // the joiner is newer than the cluster allows
	VersionTooOld RefusalCode = "version-too-old" // the joiner is older than the cluster allows
	ClusterFull   RefusalCode = "cluster-full"    // no room for one more member
	BadRequest    RefusalCode = "bad-request"     // the request can not be understood or makes no sense
	Unavailable   RefusalCode = "unavailable"     // this member can not decide now (no leader, say): try another
)

// advice is what the operator should do next, by reason.
var advice = map[RefusalCode]string{
	WrongToken:    "make a new token on a member of the cluster",
	TokenUsed:     "make a new token on a member of the cluster",
	TokenExpired:  "make a new token on a member of the cluster",
	NameTaken:     "choose another node name, or remove the old member first",
	AddressTaken:  "choose another address, or remove the old member first",
	VersionTooNew: "upgrade the cluster first, or install its version here",
	VersionTooOld: "install the version of crm that the cluster runs",
	ClusterFull:   "remove a member first",
	BadRequest:    "check that both sides run versions of crm that fit together",
	Unavailable:   "try again when the cluster has a leader",
}

// Refusal is a member's answer "no" to a join.
type Refusal struct {
	Code   RefusalCode
	Reason string // for a person; may be empty
}

// Error says why, and what to do next.
func (r *Refusal) Error() string {
	text := "join refused: " + string(r.Code)
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	if next := advice[r.Code]; next != "" {
		text += fmt.Sprintf(" (%s)", next)
	}
	return text
}
