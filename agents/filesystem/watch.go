package filesystem

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// reread is how often a watch looks at the table unasked: nothing may be
// missed for longer, such as a file system that an error made read-only.
const reread = 2 * time.Second

// Watch tells when the file system was unmounted, mounted over, mounted anew,
// or turned read-only.
func (a *Agent) Watch(ctx context.Context, req agents.Request, emit func(agents.Event)) error {
	cfg, err := parse(req.Params)
	if err != nil {
		return fmt.Errorf("watch of %s: %w", req.Resource, err)
	}
	changed, err := a.table.listen()
	if err != nil {
		return fmt.Errorf("watch of %s: cannot listen to the table of mounts: %w", req.Resource, err)
	}
	defer a.table.leave(changed)
	tick := time.NewTicker(reread)
	defer tick.Stop()
	last := sight{id: -1}
	for {
		starts := a.startsOf(cfg.directory) // before the look: a later one is seen next time
		now, err := cfg.see()
		now.starts = starts
		if err != nil {
			a.log.Warn("cannot read the table of mounts", "resource", req.Resource, "error", err)
		} else {
			if text := last.told(now, cfg); text != "" {
				emit(agents.Event{Resource: req.Resource, At: time.Now(), Reason: text})
			}
			last = now
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-tick.C:
		}
	}
}

// sight is what one look at the table showed.
type sight struct {
	id      int    // of the mount, 0 when there is none; -1 before the first look
	trouble string // why it is not as it should be
	starts  int    // how often it had been started by then
}

func (c config) see() (sight, error) {
	t, err := readTable()
	if err != nil {
		return sight{}, err
	}
	s := c.find()
	if s.kind == binding {
		s.inode = 0 // whatever is mounted there; asking both ends could hang
	}
	r, top := c.judge(t, s)
	now := sight{trouble: r.Reason}
	if top != nil {
		now.id = top.ID
	} else if r.Code == agents.NotRunning && now.trouble == "" {
		now.trouble = fmt.Sprintf("%s is not mounted on %s", c.device, c.directory)
	}
	return now, nil
}

// told is what to tell of the change from one look to the next, or "".
func (before sight) told(now sight, c config) string {
	switch {
	case now.trouble != "" && (now.trouble != before.trouble || now.starts != before.starts):
		return now.trouble
	case now.trouble == "" && before.trouble != "":
		return fmt.Sprintf("%s was mounted on %s", c.device, c.directory)
	case before.id > 0 && now.id > 0 && now.id != before.id:
		return fmt.Sprintf("%s was unmounted from %s and mounted again", c.device, c.directory)
	}
	return ""
}
