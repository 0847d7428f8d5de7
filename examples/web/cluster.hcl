# Three machines that can fence each other. Everything below builds on this.
#
# Change: the addresses, the management boards, their user, and put the password
# where the nodes keep secrets, under the name "ipmi".

cluster "web" {
  failure-timeout = "3s" # silence after which a node is lost and is fenced

  # Two networks between the nodes: one may fail without anyone noticing.
  network "main" {}
  network "back" { port = 7414 }

  # A node that hangs resets itself.
  watchdog {
    device  = "/dev/watchdog"
    timeout = "10s"
  }
}

node "n1" { address = ["192.0.2.11", "198.51.100.11"] } # one per network, in order
node "n2" { address = ["192.0.2.12", "198.51.100.12"] }
node "n3" { address = ["192.0.2.13", "198.51.100.13"] }

# --- Fencing ----------------------------------------------------------------
#
# What ran on a lost node starts elsewhere only after the node is certainly off.
# Without a device that can do this, nothing below is safe.
#
# Each node has a management board. Test each of them before you rely on it:
#   crm fence test n1

locals {
  boards = {
    n1 = "203.0.113.11"
    n2 = "203.0.113.12"
    n3 = "203.0.113.13"
  }
}

fence "fence_ipmilan" "ipmi" { # ipmi-n1, ipmi-n2, ipmi-n3
  for_each = local.boards
  targets  = [each.key]
  ip       = each.value
  username = "fence"
  password = secret("ipmi") # the password itself is not in this file
  lanplus  = true
  op "monitor" { interval = "60s" } # is the board still there?
}

# Virtual machines have no such boards. On a libvirt host, one device serves for
# all of them; write this in place of the block above:
#
# fence "fence_virsh" "host" {
#   targets       = [n1, n2, n3]
#   pcmk_host_map = "n1:web-1;n2:web-2;n3:web-3" # node:name of the machine
#   ip            = "203.0.113.1"
#   username      = "fence"
#   identity_file = "/etc/holdfast/fence.key"
#   op "monitor" { interval = "60s" }
# }

# And in a laboratory whose hosts a daemon can kill and boot:
#
# fence "fence_hosts" "lab" {
#   targets = [n1, n2, n3]
#   socket  = "/run/holdfast/hosts.sock"
#   op "monitor" { interval = "60s" }
# }

options {
  stonith-timeout = "90s" # some boards are slow
}

defaults "resource" {
  resource-stickiness = 100   # do not move back when a node returns
  migration-threshold = 3     # after three failures, try another node …
  failure-timeout     = "10m" # … and forget them after ten minutes
}
defaults "op" { timeout = "30s" }
