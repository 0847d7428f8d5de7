// Package storage keeps a member's raft log and snapshots on disk.
//
// The log is etcd's write-ahead log in DIR/log; snapshots are checksummed
// files in DIR/snapshots, of which the newest two are kept, and the log is
// kept back to the older of them. Write returns only when everything is
// durable.
//
// What it promises:
//
//   - An error of write or fsync is final. The kernel may have dropped the
//     data and will not report it again, so every later Write fails too.
//   - A torn tail, that is a last write which a power cut interrupted before
//     it was acknowledged, is zeroed at Open, with a log line.
//   - Anything else that does not read back as it was written makes Open
//     refuse, naming the file, the damage and the way out. A log file that is
//     shorter than it was preallocated is damage: no crash shortens it, and
//     nothing tells how much is missing.
//   - A damaged newest snapshot is passed over only if the previous one and
//     the log together reach as far.
//
// What it cannot see: a disk that acknowledged an fsync and forgot the data
// without a trace (fsync is taken to be honest), and damage inside a last
// record which happens to hold a whole sector of zeros.
package storage
