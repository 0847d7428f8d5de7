package systemd

import (
	"context"
	"fmt"
	"slices"
)

// Warnings says, in sentences for people, what could start or stop the units
// behind the cluster's back: they are enabled at boot, or a socket, timer or
// path starts them. Units that are not installed here, and those that the
// cluster manages too, are no reason to warn.
func (a *Agent) Warnings(ctx context.Context, units []string) ([]string, error) {
	managed := map[string]bool{}
	var names []string
	for _, u := range units {
		name, err := UnitName(u)
		if err != nil {
			return nil, err
		}
		if !managed[name] {
			names = append(names, name)
		}
		managed[name] = true
	}
	slices.Sort(names)
	var warnings []string
	for _, name := range names {
		found, err := a.warnings(ctx, name, managed)
		if err != nil {
			return warnings, fmt.Errorf("unit %s: %w", name, err)
		}
		warnings = append(warnings, found...)
	}
	return warnings, nil
}

func (a *Agent) warnings(ctx context.Context, name string, managed map[string]bool) ([]string, error) {
	u, err := a.find(ctx, name)
	if err != nil {
		return nil, err
	}
	var load, file string
	var triggers, wantedBy []string
	err = a.do(ctx, func(l *link) error {
		return l.getAll(ctx, u.path, []property{
			{unitIface, "LoadState", &load},
			{unitIface, "UnitFileState", &file},
			{unitIface, "TriggeredBy", &triggers},
			{unitIface, "WantedBy", &wantedBy},
		})
	})
	if err != nil || load == "not-found" {
		return nil, err
	}
	var warnings []string
	if file == "enabled" || file == "enabled-runtime" {
		warnings = append(warnings, fmt.Sprintf(
			"%s is started at boot (%s), outside the cluster; run: systemctl disable %s", name, file, name))
		wantedBy = nil // that is how it is enabled
	}
	slices.Sort(wantedBy)
	for _, w := range wantedBy {
		if !managed[w] {
			warnings = append(warnings, fmt.Sprintf("%s is started along with %s, which wants it, outside the cluster", name, w))
		}
	}
	slices.Sort(triggers)
	for _, t := range triggers {
		if !managed[t] {
			warnings = append(warnings, fmt.Sprintf(
				"%s can be started by %s, outside the cluster; run: systemctl disable --now %s", name, t, t))
		}
	}
	return warnings, nil
}
