# PostgreSQL as one instance on shared storage: the data directory, the server,
# and its address. When a node is lost, it is fenced, and the next node mounts
# the disk, replays the log, and serves.
#
# Stands beside a cluster.hcl such as the one in ../web: nodes n1, n2 and n3 with
# fencing. It needs the package resource-agents on every node, the same version
# of PostgreSQL everywhere, and no unit of it enabled at boot.

variable "version" { default = "15" }

group "postgres" {
  prefers = { n1 = 100, n2 = 50 }

  resource "filesystem" "pg_disk" {
    device    = "/dev/vg_pg/data"
    directory = "/var/lib/postgresql"
    fstype    = "xfs"
    op "start" { timeout = "60s" }
    op "stop" {
      timeout = "60s"
      on-fail = "fence" # mounted twice, the database would be destroyed
    }
    op "monitor" {
      interval = "20s"
      timeout  = "40s"
    }
  }

  resource "ocf:heartbeat:pgsql" "pg" {
    pgctl  = "/usr/lib/postgresql/${var.version}/bin/pg_ctl"
    psql   = "/usr/bin/psql"
    pgdata = "/var/lib/postgresql/${var.version}/main"
    config = "/etc/postgresql/${var.version}/main/postgresql.conf"
    # How long recovery may take decides this timeout: measure it once.
    op "start" { timeout = "300s" }
    op "stop" {
      timeout = "120s"
      on-fail = "fence"
    }
    op "monitor" {
      interval = "10s"
      timeout  = "30s"
    }
  }

  # The same with the packaged unit in place of the agent, which then looks no
  # deeper than whether the process lives:
  #
  # resource "systemd" "pg" {
  #   unit = "postgresql@15-main.service"
  #   op "start" { timeout = "300s" }
  #   op "monitor" { interval = "10s" }
  # }

  resource "vip" "pg_ip" {
    ip     = "192.0.2.102"
    prefix = 24
    op "monitor" { interval = "10s" }
  }

  meta { priority = 10 } # when nodes become few, this stays longest
}
