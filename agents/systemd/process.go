package systemd

import (
	"os"

	"golang.org/x/sys/unix"
)

// process follows the life of one process at a time through a pidfd, without
// being its parent. The zero value follows none.
type process struct {
	pid  int
	file *os.File      // the pidfd
	end  chan struct{} // closed when the process has ended; nil when none is followed
}

// follow changes the process that is followed; 0 is none.
func (p *process) follow(pid int) {
	if pid == p.pid {
		return
	}
	p.close()
	p.pid = pid
	if pid <= 0 {
		return
	}
	end := make(chan struct{})
	p.end = end
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err == unix.ESRCH {
		close(end) // it is gone already
		return
	}
	if err != nil {
		p.end = nil // no pidfd on this kernel: systemd's signals remain
		return
	}
	p.file = os.NewFile(uintptr(fd), "pidfd")
	go await(p.file, end)
}

// await closes end when the process has ended; it returns also when file is closed.
func await(file *os.File, end chan struct{}) {
	raw, err := file.SyscallConn()
	if err != nil {
		return
	}
	err = raw.Read(func(fd uintptr) bool {
		n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0
	})
	if err == nil {
		close(end)
	}
}

// ended is closed when the process has ended; nil blocks for ever.
func (p *process) ended() <-chan struct{} { return p.end }

// reported silences ended, so that the end is told once.
func (p *process) reported() { p.end = nil }

// close stops following.
func (p *process) close() {
	if p.file != nil {
		p.file.Close()
	}
	p.pid, p.file, p.end = 0, nil, nil
}
