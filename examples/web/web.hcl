# A web server with its content on a shared disk: the disk, the server, and the
# address by which it is reached. A group starts in this order, stops in the
# opposite one, and is always together on one node.

group "web" {
  prefers = { n1 = 50 } # when nothing else speaks for another node

  resource "filesystem" "web_disk" {
    device    = "/dev/vg_web/content"
    directory = "/srv/www"
    fstype    = "xfs"
    op "start" { timeout = "60s" }
    op "stop" {
      timeout = "60s"
      on-fail = "fence" # a disk that cannot be released: only fencing makes it safe
    }
    op "monitor" {
      interval = "20s"
      timeout  = "40s"
    }
  }

  # The unit must not be enabled at boot: the cluster starts it.
  resource "systemd" "nginx" {
    unit = "nginx.service"
    op "start" { timeout = "100s" } # systemd's own timeout and a little more
    op "stop" { timeout = "100s" }
    op "monitor" { interval = "10s" }
  }

  # Last, so that nobody is sent to a server that is not there yet.
  resource "vip" "web_ip" {
    ip     = "192.0.2.100"
    prefix = 24
    op "monitor" { interval = "10s" }
  }
}

# n3 has an old disk controller: use it only when there is nothing else.
location "web_not_n3" {
  resource = web
  node     = n3
  score    = -50
}
