//go:build !linux

package wire

import "syscall"

// allowAbsentAddress does nothing here: only Linux can bind to an address that
// is not up yet.
func allowAbsentAddress(string, string, syscall.RawConn) error { return nil }
