package systemd

import (
	"context"
	"math"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// Metadata is made up from what systemd says of the unit: its description and
// its own timeouts, which the cluster's should not undercut. Without a unit or
// without systemd it is general.
func (a *Agent) Metadata(ctx context.Context, spec agents.Spec) (*agents.Metadata, error) {
	m := &agents.Metadata{
		Name:  "systemd",
		Short: "A systemd unit",
		Long: "Runs a systemd unit as a resource. The unit must not be enabled at boot: the cluster starts it. " +
			"While it is managed, systemd does not restart it by itself.",
		Actions: actions(defaultUnitTimeout, defaultUnitTimeout),
	}
	if spec.Class == agents.BuiltIn {
		m.Parameters = []agents.Parameter{{
			Name: "unit", Type: "string", Required: true, Unique: true, Short: "the systemd unit",
			Long: "Name of the unit; .service is added when it has no unit suffix. " +
				"Template instances (web@1) and other types (data.mount, app.socket, batch.timer, all.target) are accepted.",
		}}
		return m, nil
	}
	name, err := UnitName(spec.Type)
	if err != nil {
		return nil, err
	}
	m.Name, m.Short = name, "systemd unit "+name
	ctx, cancel := context.WithTimeout(ctx, absence)
	defer cancel()
	var description string
	start, stop := uint64(math.MaxUint64), uint64(math.MaxUint64)
	err = a.do(ctx, func(l *link) error {
		path, err := l.load(ctx, name)
		if err != nil {
			return err
		}
		iface := interfaces[suffixOf(name)]
		return l.getAll(ctx, path, []property{
			{unitIface, "Description", &description},
			{iface, "TimeoutStartUSec", &start},
			{iface, "TimeoutStopUSec", &stop},
		})
	})
	if err != nil {
		a.log.Debug("metadata without systemd", "unit", name, "error", err)
		return m, nil
	}
	if description != "" {
		m.Short = description
	}
	m.Actions = actions(unitTimeout(start), unitTimeout(stop))
	return m, nil
}

// defaultUnitTimeout is systemd's own default.
const defaultUnitTimeout = 90 * time.Second

// unitTimeout converts a timeout of systemd's; infinity and the absence of one
// are its default.
func unitTimeout(usec uint64) time.Duration {
	if usec == 0 || usec > uint64(24*time.Hour/time.Microsecond) {
		return defaultUnitTimeout
	}
	return time.Duration(usec) * time.Microsecond
}

// actions advises timeouts that leave systemd's own ones time to act first.
func actions(start, stop time.Duration) []agents.ActionDef {
	const margin = 10 * time.Second
	return []agents.ActionDef{
		{Name: string(agents.Start), Timeout: start + margin},
		{Name: string(agents.Stop), Timeout: stop + margin},
		{Name: string(agents.Monitor), Timeout: 100 * time.Second, Interval: time.Minute},
		{Name: string(agents.Reload), Timeout: start + margin},
		{Name: string(agents.ValidateAll), Timeout: 20 * time.Second},
		{Name: string(agents.MetaData), Timeout: 20 * time.Second},
	}
}
