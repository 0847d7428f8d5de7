package render

import (
	"fmt"
	"time"
)

// timeFormat is how moments are shown: sortable, with their zone.
const timeFormat = "2006-01-02 15:04:05 MST"

func (d *display) summary() {
	s := d.Summary
	if s == nil {
		return
	}
	d.section("Cluster Summary")
	if s.Cluster != "" {
		d.item("Cluster name: " + s.Cluster)
	}
	d.item("Current DC: " + d.controller(s))
	if !s.LastUpdated.IsZero() {
		d.item("Last updated: " + s.LastUpdated.Format(timeFormat))
	}
	if !s.LastChange.IsZero() {
		text := "Last change:  " + s.LastChange.Format(timeFormat)
		if s.ChangedBy != "" {
			text += " by " + s.ChangedBy
		}
		d.item(text)
	}
	d.item(plural(len(d.Nodes), "node") + " configured")
	d.item(d.instances())
	if s.NoFencing {
		d.item(d.bad("Fencing is DISABLED: data is not protected"))
	}
	d.notices(s)
}

func (d *display) controller(s *Summary) string {
	dc := s.DC
	if dc == "" {
		dc = d.bad("NONE")
	} else if s.Version != "" {
		dc += " (version " + s.Version + ")"
	}
	if s.Quorum {
		return dc + " - partition with quorum"
	}
	return dc + " - partition " + d.bad("WITHOUT quorum")
}

// instances counts resources, and those that are kept from running.
func (d *display) instances() string {
	disabled, blocked := 0, 0
	for _, p := range d.Placement {
		if p.Disabled {
			disabled++
		}
		if p.Blocked {
			blocked++
		}
	}
	text := plural(d.lookup.instanceCount(), "resource instance") + " configured"
	switch {
	case disabled > 0 && blocked > 0:
		text += fmt.Sprintf(" (%d DISABLED, %d BLOCKED from further action due to failure)", disabled, blocked)
	case disabled > 0:
		text += fmt.Sprintf(" (%d DISABLED)", disabled)
	case blocked > 0:
		text += fmt.Sprintf(" (%d BLOCKED from further action due to failure)", blocked)
	}
	return text
}

func (d *display) notices(s *Summary) {
	switch {
	case s.Maintenance:
		d.out.WriteString("\n              *** Resource management is DISABLED ***\n" +
			"  The cluster will not attempt to start, stop or recover services\n")
	case s.StopAll:
		d.out.WriteString("\n    *** Resource management is DISABLED ***\n" +
			"  The cluster will keep all resources stopped\n")
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func moment(t time.Time) string {
	return "'" + t.Format(timeFormat) + "'"
}
