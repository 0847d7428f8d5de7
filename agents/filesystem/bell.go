package filesystem

import (
	"bytes"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// bell rings when the kernel's table of mounts has changed. One thread waits
// for that on behalf of all listeners, while there are any.
type bell struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
	stop      func()

	fresh atomic.Bool // what was read last is not to be compared with
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

// The kernel loses some of its own news: on Linux 6.18 a few umounts in a
// hundred never make the table pollable. So the thread also reads the table by
// itself, every 80 ms, or more rarely where that would take more than half a
// percent of a processor, and at least every two seconds.
const (
	quickest = 80 * time.Millisecond
	slowest  = 2 * time.Second
	share    = 200 // of the time, one part is spent on reading
)

// begin starts the thread. The table is polled as proc(5) says: POLLPRI.
func (b *bell) begin() error {
	mounts, err := os.Open(mountTable)
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
		b.wait(int32(mounts.Fd()), int32(quit))
	}()
	b.stop = func() {
		unix.Write(quit, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		<-ended
		unix.Close(quit)
		mounts.Close()
	}
	return nil
}

const mountTable = "/proc/self/mountinfo"

// wait rings at each change until quit is readable.
func (b *bell) wait(mounts, quit int32) {
	fds := []unix.PollFd{{Fd: mounts, Events: unix.POLLPRI}, {Fd: quit, Events: unix.POLLIN}}
	var last []byte
	pause := quickest
	for {
		fds[0].Revents, fds[1].Revents = 0, 0
		_, err := unix.Poll(fds, int(pause/time.Millisecond))
		if fds[1].Revents != 0 || err != nil && err != unix.EINTR {
			return
		}
		struck := b.fresh.Swap(false) // before the reading, which then shows what was done
		began := time.Now()
		now, err := os.ReadFile(mountTable)
		pause = min(max(share*time.Since(began), quickest), slowest)
		if struck || fds[0].Revents != 0 || err != nil || !bytes.Equal(now, last) {
			b.ring()
		}
		last = now
	}
}

// strike rings now, and at the next reading: whoever changed the table says so,
// because a mount and an umount between two readings leave no trace.
func (b *bell) strike() {
	b.fresh.Store(true)
	b.ring()
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
