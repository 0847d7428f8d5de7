node "n1" {
  id = "a6f-1"
  attributes {
    standby = "off"
  }
}

node "n2" {
  id   = "2"
  type = "member"
}

node "n2" {
  id = "3"
}

options {
  stonith-timeout   = literal("a while")
  stonith-timout    = literal("60s")
  cluster-delay     = "00060"
  symmetric-cluster = "YES"
}

options {
  score = 10
  rule {
    score = literal("0")
    when  = date_spec({ hours = "22-23" }) || date_spec({ hours = "0-5" })
  }
  maintenance-mode = false
}

resource "literal:lsb:/opt/old/init.d/apache" "apache" {
  meta {
    nvpair {
      id    = "apache-prio"
      name  = "priority"
      value = literal("2.0")
    }
    target-role = "started"
    nvpair {
      name  = "target-role"
      value = "Stopped"
    }
    nvpair {
      name = "resource-stickiness"
    }
  }
  op "monitor" {
    interval = "10s"
    timeout  = literal("soon")
  }
  op "monitor" {
    id       = "apache-monitor-10s-2"
    interval = "10s"
    timeout  = "20s"
  }
  op "start" {
    interval = literal("30s")
    on-fail  = "standby"
  }
  op "literal:methods" {
    interval = "0"
  }
  op "stop" {
    interval = "0"
    on-fail  = literal("stop")
  }
}

resource "literal:service:old" "daemon" {
  op "monitor" {
    interval = "0"
  }
}

fence "literal:external/ipmi" "ipmi-n1" {
  params {
    hostname       = "n1"
    passwd         = "$${not a template} \"x\" \t"
    pcmk_host_list = "n1 gone"
    nvpair {
      name  = "1st"
      value = "odd name"
    }
  }
}

resource "literal:stonith:fence_xvm" "xvm" {
  clone {
    id        = "fencing"
    clone-max = 2
  }
}

group "grouped-fencing" {
  resource "literal:stonith:external/ssh" "ssh" {
  }
}

group "stack-group" {
  resource "ocf:pacemaker:controld" "dlm" {
  }

  resource "ocf:heartbeat:lvmlockd" "lock" {
  }
  clone {
    id         = "stack"
    interleave = true
  }
}

resource "ocf:heartbeat:pgsql" "db" {
  op "monitor" {
    interval = "10s"
    role     = "Promoted"
    params {
      OCF_CHECK_LEVEL = 10
    }
  }
  op "monitor" {
    interval = "11s"
    role     = "Unpromoted"
  }
  promotable {
    notify = true
  }
}

fence_topology "n1" {
  target = n1
  level "1" {
    devices = [ipmi-n1, literal("removed-device")]
  }
}

fence_topology "topology-2" {
  target-pattern = "n.*"
  level "1" {
    devices = [literal("xvm")]
  }
}

fence_topology "n1-2" {
  target = n1
  level "2" {
    devices = [literal("xvm")]
  }
}

order "inner" {
  first = literal("dlm")
  then  = literal("lock")
  kind  = "Mandatory"
}

colocation "inner-with" {
  resource = literal("lock")
  with     = literal("dlm")
  score    = INFINITY
}

colocation "with-master" {
  resource  = apache
  with      = literal("db")
  with-role = "Promoted"
  score     = INFINITY
}

order "after-promote" {
  first = db-clone.promote
  then  = apache.start
}

location "gone-node" {
  resource = apache
  node     = literal("n9")
  score    = 100
}

location "shared" {
  resource = apache
  rule {
    id    = "shared-rule"
    score = INFINITY
    when  = node.name == "n1"
  }
}

location "referring" {
  resource = daemon
  rule {
    id-ref = "shared-rule"
  }
}

location "tree" {
  resource = db-clone
  rule {
    score-attribute = "pingd"
    role            = "Promoted"
    expression {
      attribute    = "pingd"
      operation    = "gt"
      value        = "0"
      value-source = "literal"
      type         = "integer"
    }
    rule {
      boolean-op = "or"
      expression {
        attribute = "rack"
        operation = "defined"
      }
    }
  }
}

alert "script" "mail" {
  description       = "to the people"
  path              = "/usr/local/bin/mail.sh"
  select            = ["nodes", "attributes"]
  select-attributes = ["standby"]
  params {
    from = "cluster@example.com"
  }
  meta {
    timeout = "15s"
  }
  recipient "ops@example.com" {
  }
  recipient "boss@example.com" {
    description = "the boss"
    meta {
      enabled = false
    }
  }
}

acl_role "operator" {
  description = "may look and start"
  permission "read" {
    xpath = "/cib"
  }
  permission "write" {
    reference = "apache-prio"
  }
  permission "deny" {
    object-type = "nvpair"
    attribute   = "value"
  }
}

acl_user "alice" {
  roles = [operator]
}

acl_group "staff" {
  roles = [operator]
}
