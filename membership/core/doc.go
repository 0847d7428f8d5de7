// Package core holds the deciding part of membership.
//
// It is pure: no I/O, no clock, no goroutine, no package state, no logging.
package core
