package fencing

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	good := map[string]time.Duration{
		"60": time.Minute, "0": 0, "60s": time.Minute, " 500ms ": 500 * time.Millisecond, "2min": 2 * time.Minute,
		"1h": time.Hour, "1m30s": 90 * time.Second, "PT1M30S": 90 * time.Second, "pt5m": 5 * time.Minute,
		"1.5": 1500 * time.Millisecond, "10 s": 10 * time.Second,
	}
	for text, want := range good {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "s", "-5s", "5x", "soon", "PT", "5s.", "..", "99999999h", "1e9"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
}

func TestHostMap(t *testing.T) {
	got, err := parseHostMap(`n1:1;n2:2,3 n3:my\ vm;;n4:a:b`)
	if err != nil || len(got) != 4 || got["n2"] != "2,3" || got["n3"] != "my vm" || got["n4"] != "a:b" {
		t.Errorf("parseHostMap = %q, %v", got, err)
	}
	for _, text := range []string{"n1", "n1:", ":1", "n1:1;n1:2"} {
		if _, err := parseHostMap(text); err == nil {
			t.Errorf("parseHostMap(%q) gave no error", text)
		}
	}
}

// FuzzSettings feeds parameters of any content: no panic, and the promises of
// Settings hold.
func FuzzSettings(f *testing.F) {
	f.Add("n1:1;n2:2", "n1:0s;n2:5s", "10s", "2", "60s")
	f.Add(`a\`, "x", "PT", "-1", "9999999999999")
	f.Fuzz(func(t *testing.T, hostMap, base, longest, limit, timeout string) {
		d := Device{Name: "d", Params: map[string]string{
			"pcmk_host_map": hostMap, "pcmk_delay_base": base, "pcmk_delay_max": longest,
			"pcmk_action_limit": limit, "pcmk_off_timeout": timeout, "pcmk_off_retries": limit,
		}}
		s, _ := d.Settings()
		for a, c := range s.Calls {
			if c.Timeout <= 0 || c.Tries < 1 {
				t.Errorf("%s: %+v", a, c)
			}
		}
		if s.ActionLimit == 0 || s.ActionLimit < -1 || s.Delay.Base < 0 || s.Delay.Max < 0 {
			t.Errorf("settings %+v", s)
		}
		Plan("n1", []Device{d}, nil, nil, Reboot)
	})
}
