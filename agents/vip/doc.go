// Package vip holds a virtual address on this node: one IPv4 or IPv6 address
// that moves from machine to machine with the service behind it.
//
// Everything goes through netlink and packet sockets; nothing is forked, so a
// start takes as long as the search for a rival takes, and a stop takes less
// than a millisecond.
//
//	start   ──▶ place it ──▶ does anybody answer for it? ──▶ add ──▶ announce ×5
//	monitor ──▶ is it in the kernel's table, on that interface, with a carrier?
//	stop    ──▶ end the announcements ──▶ delete ──▶ look
//	watch   ──▶ RTM_DELADDR ──▶ put it back at once, announce, tell
//
// Promises beyond the contract of all agents:
//
//   - a duplicate is refused before the address is added, and named by its MAC;
//   - an address that somebody else removes (a restarted network manager, an
//     "ip addr flush") is back within milliseconds while it is watched; after
//     three times in a minute the cluster decides instead;
//   - a stop is never undone by such a repair: both hold the address's lock, and
//     a repair looks first whether the address is still wanted;
//   - no announcement leaves this node after the stop began.
//
// It never changes routes, other addresses or link states. It does set
// promote_secondaries on the interface (systemd's default anyway), because
// without it the kernel removes all other addresses of a subnet along with the
// oldest one.
package vip
