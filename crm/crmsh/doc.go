// Package crmsh understands the configuration lines that administrators of
// Pacemaker clusters know by heart, and turns each into an edit of HCL
// documents:
//
//	primitive ip IPaddr2 ip=10.0.0.100 op monitor interval=5s
//
// becomes
//
//	resource "ocf:heartbeat:IPaddr2" "ip" {
//	  ip = "10.0.0.100"
//	  op "monitor" { interval = "5s" }
//	}
//
// It is pure: words in, documents out. What a line means for the cluster, and
// whether its agent has such a parameter, is for package config to say.
package crmsh
