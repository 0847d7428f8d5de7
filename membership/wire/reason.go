package wire

// Reason says why something was dropped. It indexes counters.
type Reason int

// Why datagrams and messages are dropped.
const (
	ok            Reason = iota
	Truncated            // received: shorter than any datagram
	Oversize             // received or to be sent: longer than the limit
	UnknownFormat        // received: another version of the format, or no datagram of ours
	OtherCluster         // received: for another cluster
	NotForUs             // received: for another node
	Stranger             // received: the sender is not in the set of peers
	WrongLink            // received: sealed for another link than it came in on; cables or addresses are crossed
	OldRun               // received: of an older boot or incarnation of the sender
	OldReceiver          // received: meant for an earlier run of this node; usual right after a start
	TurnedBack           // received: of another run with the same boot and incarnation; a state folder was restored
	Replayed             // received: seen before, or too late to know
	Forged               // received: not sealed with the pair's key
	NoLink               // to be sent: this node or the peer has no such link
	SendFailed           // to be sent: the kernel refused it
	QueueFull            // to be sent: the peer takes messages too slowly
	Away                 // to be sent: no link to the peer works
	reasons
)

var reasonNames = [reasons]string{
	ok: "ok", Truncated: "truncated", Oversize: "oversize", UnknownFormat: "unknown-format", OtherCluster: "other-cluster",
	NotForUs: "not-for-us", Stranger: "stranger", WrongLink: "wrong-link", OldRun: "old-run", OldReceiver: "old-receiver", TurnedBack: "turned-back",
	Replayed: "replayed", Forged: "forged", NoLink: "no-link", SendFailed: "send-failed", QueueFull: "queue-full", Away: "away",
}

// String is the reason's name in status and logs.
func (r Reason) String() string {
	if r < 0 || r >= reasons {
		return "unknown"
	}
	return reasonNames[r]
}

// explain is the reason in words, for the log.
func (r Reason) explain() string {
	switch r {
	case Truncated:
		return "it is too short"
	case Oversize:
		return "it is too long"
	case UnknownFormat:
		return "it has an unknown format; is another program using this port?"
	case OtherCluster:
		return "it is for another cluster; two clusters must not share addresses and ports"
	case NotForUs:
		return "it is for another node; are two nodes configured with the same address?"
	case Stranger:
		return "its sender is not a member"
	case WrongLink:
		return "it was sent on another link; are cables or addresses crossed?"
	case OldRun:
		return "it is from an older boot or start of its sender"
	case OldReceiver:
		return "it was meant for an earlier start of this node"
	case TurnedBack:
		return "its sender started with numbers it had used before; was its state folder restored from a backup?"
	case Replayed:
		return "it was seen before"
	case Forged:
		return "it was not sealed with the key of its sender"
	}
	return r.String()
}
