// Package filesystem mounts and unmounts one file system on this node.
//
//	start   ──▶ what is there already? ──▶ build the mount ──▶ attach it ──▶ look
//	stop    ──▶ unmount ──▶ busy? name the holders ──▶ TERM, KILL ──▶ unmount ──▶ is the device free?
//	monitor ──▶ is this device at that directory, writable? (deeper: read it, write it)
//	watch   ──▶ the kernel's mount table changed, or went read-only ──▶ Event
//
// Promises beyond the contract of all agents:
//
//   - a start that was given up attaches nothing later: with the kernel's mount
//     API the file system is built first and attached last, and the deadline is
//     looked at in between;
//   - a stop ends only when the device itself is free: a copy of the mount in
//     another mount namespace, or a second mount of the device, is found and
//     named, because the next node must not mount it then;
//   - only processes that really use this mount are signalled (by mount id, not
//     by device or path), never process 1, our own process, its ancestors or its
//     group; each is checked again right before its signal;
//   - a system call that hangs (a dead disk, a lost NFS server) holds up nobody
//     but this resource, and Run returns at the deadline all the same.
//
// It never runs fsck, never unmounts lazily, and forks only the mount helpers
// of network file systems (mount.nfs and the like).
package filesystem
