package agents_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/agents"
)

func TestParseSpec(t *testing.T) {
	for text, want := range map[string]string{
		"vip":                    "holdfast:vip",
		"holdfast:vip":           "holdfast:vip",
		"ocf:heartbeat:IPaddr2":  "ocf:heartbeat:IPaddr2",
		"ocf::heartbeat:IPaddr2": "ocf:heartbeat:IPaddr2",
		"ocf:IPaddr2":            "ocf:heartbeat:IPaddr2",
		"systemd:nginx":          "systemd:nginx",
		"systemd:dev-sda:1.swap": "systemd:dev-sda:1.swap",
		"":                       "error",
		":":                      "error",
		"ocf:":                   "error",
		"ocf::":                  "error",
		"ocf:a:b:c":              "error",
		"ocf::x":                 "ocf:heartbeat:x",
		"systemd:":               "error",
		"systemd:a b":            "error",
	} {
		spec, err := agents.ParseSpec(text)
		got := spec.String()
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("ParseSpec(%q) = %s (%v), want %s", text, got, err, want)
		}
	}
}

func TestParseSpecInvertsString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"ocf", "systemd", "", "heartbeat", "a.b"}), 1, 4).Draw(t, "parts"), ":")
		first, err := agents.ParseSpec(text)
		if err != nil {
			return
		}
		if again, err := agents.ParseSpec(first.String()); err != nil || again != first {
			t.Fatalf("%q -> %+v -> %q -> %+v, %v", text, first, first.String(), again, err)
		}
	})
}

func TestCheckLevel(t *testing.T) {
	for _, c := range []struct {
		params, meta string
		want         int
	}{{"", "", 0}, {"10", "", 10}, {"", "20", 20}, {"10", "20", 10}, {"deep", "", 0}, {"-1", "", 0}} {
		r := agents.Request{Params: map[string]string{"OCF_CHECK_LEVEL": c.params}, Meta: map[string]string{"OCF_CHECK_LEVEL": c.meta}}
		if got := r.CheckLevel(); got != c.want {
			t.Errorf("params %q, meta %q: level %d, want %d", c.params, c.meta, got, c.want)
		}
	}
}
