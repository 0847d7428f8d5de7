package fencing

import "time"

// Delays are the waits of one operation, already drawn.
type Delays struct {
	// Start comes before the very first shot: the priority delay, which lets
	// the side with the more important resources win a race.
	Start time.Duration
	// Device comes before the first shot of each device.
	Device map[string]time.Duration
}

// DrawDelays draws the random part of every device's delay. draw returns a
// number in [0, 1); it is called once for each device that has a random part,
// in the order of the levels.
func DrawDelays(levels []Level, start time.Duration, draw func() float64) Delays {
	d := Delays{Start: start, Device: map[string]time.Duration{}}
	for _, l := range levels {
		for _, s := range l.Steps {
			if _, done := d.Device[s.Device]; done {
				continue
			}
			wait := s.Delay.Base
			if spread := s.Delay.Max - s.Delay.Base; spread > 0 {
				wait += time.Duration(draw() * float64(spread))
			}
			d.Device[s.Device] = wait
		}
	}
	return d
}
