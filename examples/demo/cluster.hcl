# A small web service in a group: what "crm demo" runs.
#
# The program answers on one address and port. It runs on one node at a time;
# when it fails there it is started again, and when its node is lost it starts
# on another one.

# "crm demo" gives these values. To try the file on a real cluster, change the
# defaults.
variable "binary" {
  default     = "/usr/bin/python3 -m http.server --bind"
  description = "the program that serves; it is called with address and port"
}
variable "address" {
  default     = "127.0.0.1"
  description = "where it answers"
}
variable "port" {
  type        = number
  default     = 8080
  description = "the TCP port on which it answers"
}

# What runs stays where it is, unless there is a reason to move it.
defaults "resource" {
  resource-stickiness = 100
}

group "web" {
  resource "process" "app" {
    command = "${var.binary} ${var.address} ${var.port}"
    ready   = "tcp:${var.address}:${var.port}" # a start is done when this accepts
    op "start" { timeout = "20s" }
    op "stop" { timeout = "20s" }
    op "monitor" {
      interval = "5s"
      timeout  = "20s"
    }
  }
}
