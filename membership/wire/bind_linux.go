package wire

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// allowAbsentAddress lets a socket bind to an address that is not up yet.
func allowAbsentAddress(network, _ string, c syscall.RawConn) error {
	var err error
	controlErr := c.Control(func(fd uintptr) {
		if network == "tcp6" || network == "udp6" {
			err = unix.SetsockoptInt(int(fd), unix.SOL_IPV6, unix.IPV6_FREEBIND, 1)
			return
		}
		err = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_FREEBIND, 1)
	})
	if controlErr != nil {
		return controlErr
	}
	return err
}
