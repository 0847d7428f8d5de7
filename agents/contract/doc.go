// Package contract holds every agent to the same promises.
//
// An agent is trusted with other people's data, and the cluster trusts its
// answers blindly: a stop that says "ok" is what allows the next node to start.
// So all of them, built-in or forked, pass this one suite:
//
//	func TestContract(t *testing.T) {
//		contract.Test(t, contract.Subject{
//			Agent: vip.New(...),
//			New:   func(t *testing.T) agents.Request { ... a fresh, stopped resource ... },
//			Break: func(t *testing.T, req agents.Request) { ... remove it behind its back ... },
//		})
//	}
//
// Each clause is a subtest named for its promise; see [Test] for the list.
// What a subject cannot offer (no way to hang, nothing to break) is skipped,
// and says so.
package contract
