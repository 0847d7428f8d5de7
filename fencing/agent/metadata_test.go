package agent

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/fencing"
)

const sample = `<?xml version="1.0" ?>
<resource-agent name="fence_sample" shortdesc="Fence agent for samples">
<longdesc>  Long.  </longdesc>
<vendor-url>http://example.com</vendor-url>
<parameters>
	<parameter name="action" unique="0" required="1"><content type="string" default="reboot" /></parameter>
	<parameter name="ip" unique="0" required="1" obsoletes="ipaddr"><content type="string" /><shortdesc lang="en">IP
	   address</shortdesc></parameter>
	<parameter name="ipaddr" unique="0" required="1" deprecated="1"><content type="string" /></parameter>
	<parameter name="ipport"><content type="integer" default="623" /></parameter>
	<parameter name="lanplus"><content type="boolean" default="0" /></parameter>
	<parameter name="method"><content type="select" default="onoff"><option value="onoff" /><option value="cycle" /></content></parameter>
	<parameter name="plug" required="1" obsoletes="port"><content type="string" /></parameter>
	<parameter name="port" required="1" deprecated="1"><content type="string" /></parameter>
	<parameter name="power_wait"><content type="second" default="0" /></parameter>
</parameters>
<actions>
	<action name="on" on_target="1" automatic="1"/>
	<action name="off" timeout="20s" />
	<action name="status" />
	<action name="metadata" />
</actions>
</resource-agent>`

func TestParseMetadata(t *testing.T) {
	m, err := ParseMetadata([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "fence_sample" || m.LongDesc != "Long." || len(m.Params) != 9 || m.VendorURL != "http://example.com" {
		t.Errorf("got %+v", m)
	}
	ip, _ := m.Param("ip")
	if want := (Param{Name: "ip", Type: "string", Required: true, Obsoletes: "ipaddr", ShortDesc: "IP address"}); !cmp.Equal(ip, want) {
		t.Errorf("ip: %s", cmp.Diff(want, ip))
	}
	if off := m.Actions[1]; off.Timeout != 20*time.Second {
		t.Errorf("off: %+v", off)
	}
	want := fencing.Abilities{
		Known: true, Actions: []fencing.Action{"metadata", "off", "on", "status"}, PlugArg: "plug", AutomaticOn: true, OnTarget: true,
	}
	if diff := cmp.Diff(want, m.Abilities()); diff != "" {
		t.Error(diff)
	}
}

func TestPlugArg(t *testing.T) {
	for _, c := range []struct {
		params []Param
		want   string
	}{
		{nil, ""},
		{[]Param{{Name: "port"}}, "port"},
		{[]Param{{Name: "plug"}}, "plug"},
		{[]Param{{Name: "plug"}, {Name: "port"}}, "port"},
		{[]Param{{Name: "plug"}, {Name: "port", Deprecated: true}}, "plug"},
		{[]Param{{Name: "port", Deprecated: true}}, "port"},
	} {
		if got := (Metadata{Params: c.params}).plugArg(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.params, got, c.want)
		}
	}
}

func TestBadMetadata(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "no XML",
		"Usage: fence_x":    "no XML",
		"<resource-agent>":  "not the XML",
		"<other/>":          "not the XML",
		"<resource-agent/>": "lists no actions",
		"{\"json\":true}":   "no XML",
		"<resource-agent><actions><action/></actions></resource-agent>":                       "action without a name",
		"<resource-agent><parameters><parameter/></parameters></resource-agent>":              "parameter without a name",
		strings.Repeat(" ", MaxMetadata+1):                                                    "larger than",
		"<resource-agent>" + strings.Repeat("<a>", 100_000):                                   "not the XML",
		"<!DOCTYPE x [<!ENTITY a \"b\">]><resource-agent shortdesc=\"&a;\"></resource-agent>": "not the XML",
	} {
		if _, err := ParseMetadata([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

func TestMetadataThroughAnAgent(t *testing.T) {
	r := script(t, "fence_t", "cat >/dev/null; cat <<'X'\n"+sample+"\nX\necho noise >&2\n")
	m, err := r.Metadata(t.Context(), "fence_t")
	if err != nil || m.Name != "fence_sample" {
		t.Errorf("%+v, %v", m, err)
	}
	r = script(t, "fence_t", "echo garbage")
	if _, err := r.Metadata(t.Context(), "fence_t"); err == nil || !strings.Contains(err.Error(), "fence_t metadata: the agent printed no XML") {
		t.Errorf("garbage: %v", err)
	}
}

func TestCheck(t *testing.T) {
	m, err := ParseMetadata([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	d := fencing.Device{Name: "d", Agent: "fence_sample", Params: map[string]string{
		"pcmk_host_list": "n1", "lanplsu": "1", "ipport": "high", "lanplus": "maybe", "method": "off", "power_wait": "x", "port": "3",
	}}
	var got []string
	for _, p := range m.Check(d) {
		got = append(got, p.String())
	}
	want := []string{
		"d: the value of ipport is not a whole number",
		"d: fence_sample has no parameter lanplsu; did you mean lanplus?",
		"d: the value of lanplus is not true or false",
		"d: the value of method is not one of onoff, cycle",
		"d: the value of power_wait is not a number of seconds",
		"d: fence_sample needs the parameter ip (IP address)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	good := fencing.Device{Name: "d", Agent: "fence_sample", Params: map[string]string{"ipaddr": "10.0.0.1"}}
	if problems := m.Check(good); len(problems) > 0 {
		t.Errorf("the deprecated name is not taken: %v", problems)
	}
}

func TestParseList(t *testing.T) {
	got, err := ParseList("1,n1\n2, n2 ,ON\n\n vm-3 \n,x\n4,\n")
	want := []fencing.Port{{Plug: "1", Alias: "n1"}, {Plug: "2", Alias: "n2"}, {Plug: "vm-3"}, {Plug: "4"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := ParseList("a\x00b"); err == nil {
		t.Error("binary output was taken for a list")
	}
}

// TestInstalledAgents asks every agent of this machine for its metadata.
func TestInstalledAgents(t *testing.T) {
	r := DefaultRunner()
	r.Path = []string{"/usr/sbin"}
	names := r.Installed()
	if len(names) < 5 {
		t.Skip("left out: needs fence agents in /usr/sbin (package fence-agents)")
	}
	if testing.Short() {
		names = names[:5]
	}
	type answer struct {
		name string
		m    Metadata
		err  error
	}
	slots, answers := make(chan struct{}, 2), make(chan answer, len(names))
	for _, name := range names {
		go func() {
			slots <- struct{}{}
			m, err := r.Metadata(t.Context(), name)
			<-slots
			answers <- answer{name, m, err}
		}()
	}
	good := 0
	for range names {
		a := <-answers
		if a.err != nil {
			if a.name != "fence_ack_manual" { // a tool for people that has the name of an agent
				t.Error(a.err)
			}
			continue
		}
		good++
		able := a.m.Abilities()
		if !able.Can(fencing.Off) && !able.Can(fencing.Reboot) {
			t.Logf("%s can neither off nor reboot: %v", a.name, able.Actions)
		}
		if slices.Contains([]string{"fence_scsi", "fence_mpath"}, a.name) && !able.OnTarget {
			t.Errorf("%s: on_target is lost", a.name)
		}
	}
	t.Logf("%d of %d agents", good, len(names))
}

// TestRealDummy runs a real agent through off, status, on and back.
func TestRealDummy(t *testing.T) {
	r := DefaultRunner()
	if _, err := r.Find("fence_dummy"); err != nil {
		t.Skip("left out: needs fence_dummy (package fence-agents)")
	}
	params := map[string]string{"status_file": filepath.Join(t.TempDir(), "status"), "nodename": "n1"}
	for _, step := range []struct {
		action fencing.Action
		want   fencing.Outcome
	}{
		{fencing.On, fencing.Succeeded},
		{fencing.Status, fencing.IsOn},
		{fencing.Off, fencing.Succeeded},
		{fencing.Status, fencing.IsOff},
		{fencing.Monitor, fencing.Succeeded},
		{fencing.List, fencing.Failure},
	} {
		res := r.Run(t.Context(), Request{Agent: "fence_dummy", Action: step.action, Params: params, Timeout: 20 * time.Second})
		if res.Outcome != step.want {
			t.Errorf("%s: %s %s", step.action, res.Outcome, res.Reason)
		}
		t.Log(step.action, res.Outcome, res.Reason)
	}
}

func FuzzParseMetadata(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("<resource-agent><actions><action name='off'/></actions></resource-agent>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseMetadata(data)
		if err == nil && !m.Abilities().Known {
			t.Error("metadata without abilities")
		}
		m.Check(fencing.Device{Name: "d", Agent: "a", Params: map[string]string{"ip": string(data)}})
	})
}

func FuzzParseList(f *testing.F) {
	f.Add("1,n1\n2,n2\n")
	f.Fuzz(func(t *testing.T, text string) {
		ports, _ := ParseList(text)
		for _, p := range ports {
			if p.Plug == "" || strings.ContainsAny(p.Plug, ",\n") {
				t.Errorf("plug %q", p.Plug)
			}
		}
	})
}

func TestFindOrder(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		if err := os.WriteFile(filepath.Join(dir, "fence_t"), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := Runner{Path: []string{b, a}}
	if got, err := r.Find("fence_t"); err != nil || got != filepath.Join(b, "fence_t") {
		t.Errorf("%s, %v", got, err)
	}
	if got := r.Installed(); len(got) != 1 {
		t.Errorf("installed: %v", got)
	}
}
