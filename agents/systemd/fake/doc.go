// Package fake is a small systemd manager on a unix socket of its own.
//
// It speaks the part of org.freedesktop.systemd1 that the systemd agent uses
// (units, jobs, signals, drop-in reloads) directly over a socket, as systemd
// does on /run/systemd/private. Started services are real processes, so that
// killing one is noticed as it is on a real host. It makes tests and
// demonstrations possible on machines whose process 1 is not systemd.
//
//	s, err := fake.Start(dir)
//	s.Add(fake.Unit{Name: "web.service"})
//	systemd.New(systemd.Config{Endpoints: []systemd.Endpoint{{Address: s.Address()}}})
//
// It does not know dependencies, conditions or timeouts of its own.
package fake
