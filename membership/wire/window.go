package wire

// windowSize is how far a packet may arrive behind the newest one of its link.
const windowSize = 64

// window remembers which counters of one link have been seen.
type window struct {
	newest uint64
	seen   uint64 // bit i: newest-i was seen
}

// fresh says whether counter was not seen and is not too old to know.
func (w *window) fresh(counter uint64) bool {
	if counter > w.newest {
		return true
	}
	behind := w.newest - counter
	return counter != 0 && behind < windowSize && w.seen&(1<<behind) == 0
}

// mark notes an authenticated, fresh counter.
func (w *window) mark(counter uint64) {
	if counter > w.newest {
		ahead := counter - w.newest
		w.seen = w.seen<<min(ahead, windowSize) | 1
		w.newest = counter
		return
	}
	w.seen |= 1 << (w.newest - counter)
}
