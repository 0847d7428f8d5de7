package executor

import "time"

// Clock tells the time and wakes.
type Clock interface {
	Now() time.Time
	// NewTimer sends the time once, after d.
	NewTimer(d time.Duration) Timer
}

// Timer is one pending wake.
type Timer interface {
	C() <-chan time.Time
	Stop() bool
}

// SystemClock is the clock of the machine.
type SystemClock struct{}

// Now returns the time.
func (SystemClock) Now() time.Time { return time.Now() }

// NewTimer returns a timer of package time.
func (SystemClock) NewTimer(d time.Duration) Timer { return systemTimer{time.NewTimer(d)} }

type systemTimer struct{ *time.Timer }

// C returns the channel on which the time is sent.
func (t systemTimer) C() <-chan time.Time { return t.Timer.C }
