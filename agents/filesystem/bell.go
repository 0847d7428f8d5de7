package filesystem

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// bell rings when the kernel's table of mounts has changed. One thread waits
// for that on behalf of all listeners, while there are any.
type bell struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
	stop      func()
}

func newBell() *bell { return &bell{listeners: map[chan struct{}]struct{}{}} }

// listen returns a channel that holds a token when the table may have changed.
func (b *bell) listen() (chan struct{}, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop == nil {
		if err := b.begin(); err != nil {
			return nil, err
		}
	}
	ch := make(chan struct{}, 1)
	b.listeners[ch] = struct{}{}
	return ch, nil
}

// leave ends listening; the last one ends the thread.
func (b *bell) leave(ch chan struct{}) {
	b.mu.Lock()
	delete(b.listeners, ch)
	var stop func()
	if len(b.listeners) == 0 {
		stop, b.stop = b.stop, nil
	}
	b.mu.Unlock()
	if stop != nil {
		stop() // not under the lock: the thread takes it
	}
}

// begin starts the thread. The table is polled as proc(5) says: POLLPRI.
func (b *bell) begin() error {
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	quit, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		mounts.Close()
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		fds := []unix.PollFd{{Fd: int32(mounts.Fd()), Events: unix.POLLPRI}, {Fd: int32(quit), Events: unix.POLLIN}}
		for {
			_, err := unix.Poll(fds, -1)
			if fds[1].Revents != 0 || err != nil && err != unix.EINTR {
				return
			}
			b.ring()
		}
	}()
	b.stop = func() {
		unix.Write(quit, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		<-ended
		unix.Close(quit)
		mounts.Close()
	}
	return nil
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.listeners {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
