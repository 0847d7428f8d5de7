package policy

// mayMigrate tells whether a resource can move without being stopped.
func (m *model) mayMigrate(r *resource, from *node) bool {
	return r.migratable && r.managed && !r.failed && !r.startPending && from != nil && !from.unclean &&
		r.assigned != nil && !r.assigned.unclean
}

// migrationActions replaces stop and start by a live migration.
func (m *model) migrationActions(r *resource, from *node) {
	to := r.assigned
	start := m.create(r, TaskStart, 0, to, true)
	stop := m.create(r, TaskStop, 0, from, true)
	continued := r.partialTarget != nil
	start.flags |= actMigratable | actPseudo
	stop.flags |= actMigratable
	migrateFrom := m.create(r, TaskMigrateFrom, 0, to, true)
	migrateFrom.flags |= actMigratable
	migrateFrom.source, migrateFrom.target = from, to
	probed := migrateFrom
	if continued {
		migrateFrom.needs = start.needs
	} else {
		migrateTo := m.create(r, TaskMigrateTo, 0, from, true)
		migrateTo.flags |= actMigratable
		migrateTo.source, migrateTo.target = from, to
		migrateTo.needs = start.needs
		probed = migrateTo
	}
	m.order(r, opKey{TaskMonitor, 0}, r, probed.key, ordered)
	if !continued {
		m.order(r, opKey{TaskMigrateTo, 0}, r, opKey{TaskMigrateFrom, 0}, ordered|unmigratableThenBlocks)
	}
	m.order(r, opKey{TaskMigrateFrom, 0}, r, opKey{TaskStop, 0}, ordered|unmigratableThenBlocks)
	m.order(r, opKey{TaskMigrateFrom, 0}, r, opKey{TaskStart, 0}, ordered|unmigratableThenBlocks|firstElseThen)
}
