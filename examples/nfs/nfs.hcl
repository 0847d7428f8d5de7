# An NFS server on shared storage: volume group, file system, server, exports,
# and the address that clients mount from.
#
# Stands beside a cluster.hcl such as the one in ../web: nodes n1, n2 and n3 with
# fencing. It needs the package resource-agents on every node.

group "nfs" {
  prefers = { n1 = 100, n2 = 50 }
  avoids  = [n3] # no path to the storage: never here

  # The volume group belongs to one machine at a time; LVM checks it by the
  # system id (system_id_source in lvm.conf).
  resource "ocf:heartbeat:LVM-activate" "nfs_vg" {
    vgname         = "vg_nfs"
    vg_access_mode = "system_id"
    op "start" { timeout = "90s" }
    op "stop" { timeout = "90s" }
    op "monitor" {
      interval = "30s"
      timeout  = "90s"
    }
  }

  resource "filesystem" "nfs_fs" {
    device    = "/dev/vg_nfs/export"
    directory = "/srv/nfs"
    fstype    = "xfs"
    op "start" { timeout = "60s" }
    op "stop" {
      timeout = "90s"
      on-fail = "fence"
    }
    op "monitor" {
      interval = "20s"
      timeout  = "40s"
    }
    op "monitor" { # now and then, write a file and read it back
      interval = "120s"
      timeout  = "40s"
      params { OCF_CHECK_LEVEL = 20 }
    }
  }

  # Locks and client state must move with the data: nfs-server keeps them in
  # /var/lib/nfs. Mount that directory from the shared disk as well, or let it
  # be a link to /srv/nfs/state.
  resource "systemd" "nfs_server" {
    unit = "nfs-server.service"
    op "start" { timeout = "100s" }
    op "stop" { timeout = "100s" }
    op "monitor" { interval = "15s" }
  }

  resource "ocf:heartbeat:exportfs" "nfs_export" {
    clientspec = "192.0.2.0/24"
    directory  = "/srv/nfs"
    fsid       = 1 # the same on every node, so that clients do not notice a move
    options    = "rw,no_root_squash"
    op "start" { timeout = "40s" }
    op "stop" { timeout = "120s" }
    op "monitor" { interval = "10s" }
  }

  # The address comes last: clients find everything ready behind it.
  resource "vip" "nfs_ip" {
    ip     = "192.0.2.101"
    prefix = 24
    op "monitor" { interval = "10s" }
  }
}
