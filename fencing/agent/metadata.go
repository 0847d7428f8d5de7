package agent

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/fencing"
)

// MaxMetadata is how large an agent's metadata may be; the largest in common
// distributions has 12 KiB.
const MaxMetadata = 512 << 10

// MetadataTimeout is enough for an agent that loads a large library first.
const MetadataTimeout = 20 * time.Second

// Metadata is what an agent says about itself.
type Metadata struct {
	Name      string
	ShortDesc string
	LongDesc  string
	VendorURL string
	Params    []Param
	Actions   []ActionInfo
}

// Param is one parameter of an agent.
type Param struct {
	Name       string
	Type       string // string, boolean, integer, second, select
	Default    string
	HasDefault bool
	Required   bool
	Deprecated bool
	Obsoletes  string   // the deprecated parameter that this one replaces
	Options    []string // of a select
	ShortDesc  string
}

// ActionInfo is one action of an agent.
type ActionInfo struct {
	Name      fencing.Action
	Automatic bool // "on" that the cluster runs when a node joins
	OnTarget  bool // it has to run on the target itself
	Timeout   time.Duration
}

// The XML as agents write it.
type (
	xmlAgent struct {
		XMLName   xml.Name    `xml:"resource-agent"`
		Name      string      `xml:"name,attr"`
		ShortDesc string      `xml:"shortdesc,attr"`
		LongDesc  string      `xml:"longdesc"`
		VendorURL string      `xml:"vendor-url"`
		Params    []xmlParam  `xml:"parameters>parameter"`
		Actions   []xmlAction `xml:"actions>action"`
	}
	xmlParam struct {
		Name       string       `xml:"name,attr"`
		Required   string       `xml:"required,attr"`
		Deprecated string       `xml:"deprecated,attr"`
		Obsoletes  string       `xml:"obsoletes,attr"`
		Content    []xmlContent `xml:"content"`
		ShortDesc  string       `xml:"shortdesc"`
	}
	xmlContent struct {
		Type    string  `xml:"type,attr"`
		Default *string `xml:"default,attr"`
		Options []struct {
			Value string `xml:"value,attr"`
		} `xml:"option"`
	}
	xmlAction struct {
		Name      string `xml:"name,attr"`
		Automatic string `xml:"automatic,attr"`
		OnTarget  string `xml:"on_target,attr"`
		Timeout   string `xml:"timeout,attr"`
	}
)

// Metadata asks an agent what it can.
func (r Runner) Metadata(ctx context.Context, name string) (Metadata, error) {
	r.MaxOutput = MaxMetadata + 1
	res := r.Run(ctx, Request{Agent: name, Action: fencing.Metadata, Timeout: MetadataTimeout})
	if err := res.Err(); err != nil {
		return Metadata{}, err
	}
	m, err := ParseMetadata([]byte(res.raw))
	if err != nil {
		return Metadata{}, fmt.Errorf("%s metadata: %w", name, err)
	}
	return m, nil
}

// ParseMetadata reads the XML that an agent prints.
func ParseMetadata(data []byte) (Metadata, error) {
	if len(data) > MaxMetadata {
		return Metadata{}, fmt.Errorf("larger than %d KiB", MaxMetadata>>10)
	}
	var x xmlAgent
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	if err := d.Decode(&x); errors.Is(err, io.EOF) {
		return Metadata{}, errors.New("the agent printed no XML")
	} else if err != nil {
		return Metadata{}, fmt.Errorf("not the XML of a fence agent: %w", err)
	}
	m := Metadata{
		Name: x.Name, ShortDesc: squeeze(x.ShortDesc), LongDesc: strings.TrimSpace(x.LongDesc),
		VendorURL: strings.TrimSpace(x.VendorURL),
	}
	for _, p := range x.Params {
		if p.Name == "" {
			return Metadata{}, errors.New("a parameter without a name")
		}
		m.Params = append(m.Params, p.param())
	}
	for _, a := range x.Actions {
		if a.Name == "" {
			return Metadata{}, errors.New("an action without a name")
		}
		info := ActionInfo{Name: fencing.Action(a.Name), Automatic: truth(a.Automatic), OnTarget: truth(a.OnTarget)}
		if a.Timeout != "" {
			// Advice only: one that cannot be read is as good as none.
			info.Timeout, _ = fencing.ParseDuration(a.Timeout)
		}
		m.Actions = append(m.Actions, info)
	}
	if len(m.Actions) == 0 {
		return Metadata{}, errors.New("it lists no actions")
	}
	return m, nil
}

func (x xmlParam) param() Param {
	p := Param{
		Name: x.Name, Required: truth(x.Required), Deprecated: truth(x.Deprecated),
		Obsoletes: x.Obsoletes, ShortDesc: squeeze(x.ShortDesc),
	}
	for _, c := range x.Content {
		p.Type = c.Type
		if c.Default != nil {
			p.Default, p.HasDefault = *c.Default, true
		}
		for _, o := range c.Options {
			p.Options = append(p.Options, o.Value)
		}
	}
	return p
}

func truth(text string) bool { return text == "1" || strings.EqualFold(text, "true") }

func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }

// Abilities is the part of the metadata that fencing decides by.
func (m Metadata) Abilities() fencing.Abilities {
	a := fencing.Abilities{Known: true, PlugArg: m.plugArg()}
	seen := map[fencing.Action]bool{}
	for _, action := range m.Actions {
		seen[action.Name] = true
		if action.Name == fencing.On {
			a.AutomaticOn = a.AutomaticOn || action.Automatic
			a.OnTarget = a.OnTarget || action.OnTarget
		}
	}
	a.Actions = slices.Sorted(maps.Keys(seen))
	return a
}

// plugArg is the parameter that names the target: port or plug, whichever the
// agent has; of both, the one that is not deprecated; nothing if it has none.
func (m Metadata) plugArg() string {
	deprecated := ""
	for _, name := range []string{"port", "plug"} {
		p, ok := m.Param(name)
		switch {
		case ok && !p.Deprecated:
			return name
		case ok:
			deprecated = name
		}
	}
	return deprecated
}

// Param finds a parameter by name.
func (m Metadata) Param(name string) (Param, bool) {
	i := slices.IndexFunc(m.Params, func(p Param) bool { return p.Name == name })
	if i < 0 {
		return Param{}, false
	}
	return m.Params[i], true
}
