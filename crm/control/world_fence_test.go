package control

import (
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/fencing"
)

// aim is a fencing at work. The device switches off whatever runs there when it
// gets to it, and sometimes it says no.
func (w *world) aim(h *host, f state.Fencing) {
	boot, inc := h.boot, h.inc
	fails := w.rng.IntN(4) == 0
	alive := func() bool { return h.up && h.boot == boot && h.inc == inc }
	w.after(w.millis(0, 1500), func() {
		if !alive() || superseded(h.seen, f) {
			return
		}
		target := w.hosts[f.Target]
		class := fencing.Power
		switch {
		case fails:
		case target.up && target.boot > f.Boot && !target.cut && !h.cut:
			class = fencing.Rebooted // heard in a later boot: no shot
		case w.fabric:
			class = fencing.Fabric
		}
		w.after(w.millis(0, 1500), func() { // the device takes its time
			if !alive() {
				return
			}
			if !fails && class != fencing.Rebooted {
				w.shoot(h, f)
			}
			w.after(w.millis(0, 500), func() { w.shotDone(h, boot, inc, f, class, fails, time.Time{}) })
		})
	})
}

// superseded says whether an attempt was given up, or the target's fencing ended.
func superseded(s *state.State, f state.Fencing) bool {
	now := s.Fencing[f.Target]
	return now == nil || now.ID != f.ID || now.Attempt != f.Attempt
}

// shoot is the moment at which it happens. Nobody who follows orders is hit for
// an earlier boot, unless by someone who is cut off and can not know.
func (w *world) shoot(h *host, f state.Fencing) {
	target := w.hosts[f.Target]
	n := w.s.Nodes[f.Target]
	if target.up && target.boot != f.Boot && n.Phase == state.PhaseMember && n.Boot == target.boot && !h.cut {
		w.fail("%s is shot in boot %d, as a member, for boot %d", f.Target, target.boot, f.Boot)
	}
	if w.fabric {
		w.unplug(f.Target)
		return
	}
	w.killHost(f.Target)
}

// unplug takes a host off its disks. It runs on, and somebody resets it later.
func (w *world) unplug(name string) {
	h := w.hosts[name]
	if !h.up || h.unplugged {
		return
	}
	w.log("%s is off its disks", name)
	h.unplugged = true
	boot := h.boot
	w.after(w.millis(5000, 20000), func() {
		if h.up && h.boot == boot {
			w.killHost(name)
			w.after(2*time.Second, func() { w.bootHost(name) })
		}
	})
}

func (w *world) shotDone(h *host, boot, inc uint64, f state.Fencing, class fencing.Class, failed bool, since time.Time) {
	switch {
	case !h.up || h.boot != boot || h.inc != inc:
		return // the executor died: the next controller hands the fencing on
	case h.cut || w.leader == "":
		target := w.hosts[f.Target]
		if since.IsZero() {
			since = w.now
		}
		if !failed && !target.up && w.now.Sub(since) >= 5*time.Second {
			w.bootHost(f.Target) // without a majority it is switched on before the receipt is recorded
		}
		w.after(100*time.Millisecond, func() { w.shotDone(h, boot, inc, f, class, failed, since) })
		return
	}
	end := &state.FenceEnd{ID: f.ID, Attempt: f.Attempt, Target: f.Target, Boot: f.Boot, Executor: h.name}
	if failed {
		end.Error, end.Retry = "the device says no", w.clock(h).Add(time.Second).UnixMilli()
	} else {
		end.Receipt = &fencing.Receipt{OpID: fencing.OpID(f.ID), Action: fencing.Off, Target: f.Target, Boot: f.Boot, Class: class, At: w.now}
	}
	out := w.apply(state.Command{At: w.clock(h).UnixMilli(), By: h.name, FenceEnd: end})
	if !failed && out.Refused == nil {
		w.hosts[f.Target].fencedIn = f.Boot
	}
	if !failed && !w.hosts[f.Target].up {
		w.after(5*time.Second, func() { w.bootHost(f.Target) })
	}
}

func receiptFor(e *state.FenceEnd) *fencing.Receipt {
	return &fencing.Receipt{OpID: fencing.OpID(e.ID), Action: fencing.Off, Target: e.Target, Boot: e.Boot, Class: fencing.Power}
}
