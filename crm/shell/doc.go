// Package shell is crm without arguments: levels, as administrators of crmsh
// know them, over the same command tree that serves one-shot use.
//
//	crm(live/n1)# resource
//	crm(live/n1)resource# stop web
//	crm(live/n1)resource# cd ../configure
//	crm(live/n1)configure# primitive ip IPaddr2 ip=10.0.0.100
//	crm(live/n1)configure*# commit
//
// A [Session] knows where it is and what a line means there: a built-in (up,
// cd, ls, help, quit), a level to enter, or a command to run. Commands may be
// shortened to any unique prefix; what was understood is printed. The level
// "configure" has a working copy, which the [Host] keeps; leaving it with
// changes asks.
//
// The package runs no command itself and reads no tree but cobra's: whatever
// the one-shot commands can do, the shell can, and nothing else.
package shell
