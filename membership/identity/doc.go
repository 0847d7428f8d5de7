// Package identity says who a node is, and lets others prove who they are.
//
// A cluster is one certificate authority, made once by [Create]. A node is one
// certificate of that authority plus one X25519 key for datagrams; both stay in
// a folder of the node's state directory ([Load], [Identity.Save]). A machine
// becomes a node with a join token: one word that an operator carries from a
// member to the new machine.
//
//	member                                    new machine
//	NewToken ── 1-prod-8f3k… (by hand) ──▶ ParseToken
//	                                          Join: TLS, authority checked by the token's pin
//	ServeJoin ◀── name, keys, proof of secret ──┘
//	   └ AdmitFunc asks the roster ── certificate, authority, members ──▶ Identity.Save
//
// What counts in the end is the roster: a certificate opens a connection only
// while the hash of its key is in the present set of members ([Roster]). The
// authority alone lets nobody in, so removing a node needs no revocation list.
//
// Promises:
//
//   - the token's secret never crosses the wire and never prints, and what the
//     roster stores of it does not let a reader of the roster join;
//   - a mistyped token is told apart from a wrong one before anything is sent;
//   - whatever arrives is bounded in size and in time, and checked before use;
//   - an expired certificate or a wrong wall clock never splits a running
//     cluster: expiry is reported ([Identity.NotAfter]), not enforced.
//
// What it never does: decide who may join, or keep the roster. It opens no
// listener; package wire does.
package identity
