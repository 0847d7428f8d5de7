// Package ocf runs the resource agents that distributions ship, unchanged.
//
// An agent is a program, OCF_ROOT/resource.d/PROVIDER/TYPE, which is called
// with one action and told everything else by its environment (Open Cluster
// Framework resource agent API 1.0 and 1.1). The package gives it that
// environment ([Agent.Run]), reads what it says of itself ([ParseMetadata]) and
// lists which there are ([Agent.List]).
//
//	Request ─▶ environment ─▶ process group of its own ─▶ exit code ─▶ Code
//	                                 │      └─▶ stderr ─▶ Reason
//	                     deadline: TERM, a grace, KILL
//
// The environment is built from nothing, so an agent behaves the same however
// the daemon was started:
//
//   - OCF_ROOT, OCF_RA_VERSION_MAJOR and _MINOR, OCF_RESOURCE_INSTANCE, _TYPE,
//     _PROVIDER, OCF_CHECK_LEVEL, OCF_EXIT_REASON_PREFIX;
//   - OCF_RESKEY_name for each parameter, OCF_RESKEY_CRM_meta_name for each
//     meta-attribute (dashes become underscores; durations in milliseconds),
//     OCF_RESKEY_crm_feature_set;
//   - HA_RSCTMP, HA_VARRUN, HA_SBIN_DIR (the shims, when there are any),
//     HA_LOGFACILITY=none, HA_debug: log lines come to stderr, thus into
//     [agents.Result.Output], and not into syslog behind our back;
//   - PCMK_debug, PCMK_logfacility=none, PCMK_service, HA_cluster_type and
//     PCMK_cluster_type=corosync, as Pacemaker sets them: agents may ask these
//     whether a cluster, and which kind, called them;
//   - PATH with the shims' directory first, HOME, USER, LOGNAME, SHELL,
//     LC_ALL=C. The working directory is "/", so that no mount is kept busy.
//
// What it promises beyond the contract: nothing of the agent's process group is
// left after a deadline, unless the kernel itself does not let go, and then the
// reason names it. Daemons that an agent started properly, in a session of
// their own, survive; so does what an action that succeeded left in the group.
//
// What is not here: the commands that agents call back (crm_attribute,
// crm_master, attrd_updater, crm_node, crm_resource, crm_mon, cibadmin). Agents
// which need them, mostly promotable databases, fail with "command not found"
// until [Config.ShimDir] names a directory that has them.
package ocf
