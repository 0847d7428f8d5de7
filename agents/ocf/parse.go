package ocf

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// The XML of OCF metadata, 1.0 and 1.1, as far as anyone uses it.
type (
	xmlAgent struct {
		XMLName    xml.Name       `xml:"resource-agent"`
		Name       string         `xml:"name,attr"`
		Release    string         `xml:"version,attr"`
		API        string         `xml:"version"`
		Short      []xmlText      `xml:"shortdesc"`
		Long       []xmlText      `xml:"longdesc"`
		Parameters []xmlParameter `xml:"parameters>parameter"`
		Actions    []xmlAction    `xml:"actions>action"`
	}
	xmlText struct {
		Lang string `xml:"lang,attr"`
		Text string `xml:",chardata"`
	}
	xmlParameter struct {
		Name        string    `xml:"name,attr"`
		Required    string    `xml:"required,attr"`
		Unique      string    `xml:"unique,attr"`
		UniqueGroup string    `xml:"unique-group,attr"`
		Reloadable  string    `xml:"reloadable,attr"`
		Deprecated  *struct{} `xml:"deprecated"`
		DeprecatedA string    `xml:"deprecated,attr"`
		Short       []xmlText `xml:"shortdesc"`
		Long        []xmlText `xml:"longdesc"`
		Content     struct {
			Type    string `xml:"type,attr"`
			Default string `xml:"default,attr"`
			Options []struct {
				Value string `xml:"value,attr"`
			} `xml:"option"`
		} `xml:"content"`
	}
	xmlAction struct {
		Name     string `xml:"name,attr"`
		Timeout  string `xml:"timeout,attr"`
		Interval string `xml:"interval,attr"`
		Depth    string `xml:"depth,attr"`
		Role     string `xml:"role,attr"`
	}
)

// ParseMetadata reads what an agent printed for "meta-data". Agents in the
// field print warnings before the XML and remarks after it, declare odd
// encodings, and use entities of HTML: all that is forgiven. What is not there
// has its zero value; a parameter without a type is a string.
func ParseMetadata(printed []byte) (*agents.Metadata, error) {
	at := bytes.Index(printed, []byte("<resource-agent"))
	if at < 0 {
		return nil, fmt.Errorf("there is no <resource-agent> in what the agent printed: %q", clean(string(printed[:min(len(printed), 200)])))
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.ToValidUTF8(printed[at:], []byte("?"))))
	d.Strict, d.Entity = false, xml.HTMLEntity
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	var x xmlAgent
	if err := d.Decode(&x); err != nil {
		return nil, fmt.Errorf("the XML that the agent printed is broken: %w", err)
	}
	if x.Name == "" {
		return nil, errors.New("the agent's metadata lacks its name")
	}
	m := &agents.Metadata{Name: x.Name, Version: version(x), Short: oneLine(text(x.Short)), Long: text(x.Long)}
	for _, p := range x.Parameters {
		if p.Name != "" && m.Parameter(p.Name) == nil {
			m.Parameters = append(m.Parameters, p.parameter())
		}
	}
	for _, action := range x.Actions {
		if action.Name != "" {
			m.Actions = append(m.Actions, action.definition())
		}
	}
	return m, nil
}

func (p xmlParameter) parameter() agents.Parameter {
	out := agents.Parameter{
		Name: p.Name, Short: oneLine(text(p.Short)), Long: text(p.Long),
		Type: strings.ToLower(strings.TrimSpace(p.Content.Type)), Default: p.Content.Default,
		Required: truth(p.Required), Unique: truth(p.Unique) || p.UniqueGroup != "",
		Reloadable: truth(p.Reloadable), Deprecated: p.Deprecated != nil || truth(p.DeprecatedA),
		Secret: secret(p.Name),
	}
	if out.Type == "" {
		out.Type = "string"
	}
	for _, o := range p.Content.Options {
		out.Options = append(out.Options, o.Value)
	}
	return out
}

func (a xmlAction) definition() agents.ActionDef {
	return agents.ActionDef{
		Name: a.Name, Timeout: duration(a.Timeout), Interval: duration(a.Interval), Depth: a.Depth, Role: a.Role,
	}
}

// version is the agent's own; agents of API 1.0 often say it in the element.
func version(x xmlAgent) string {
	if x.Release != "" {
		return x.Release
	}
	return strings.TrimSpace(x.API)
}

// text is the English one of some texts, else the first.
func text(all []xmlText) string {
	for _, t := range all {
		if t.Lang == "" || strings.HasPrefix(t.Lang, "en") {
			return strings.TrimSpace(t.Text)
		}
	}
	if len(all) > 0 {
		return strings.TrimSpace(all[0].Text)
	}
	return ""
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

func truth(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "yes", "on", "y":
		return true
	}
	return false
}

// secret guesses by its name what the API has no way to say: that a value must
// not be shown.
func secret(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"passwd", "password", "passphrase", "secret"} {
		if strings.Contains(name, part) && !strings.HasSuffix(name, "_file") && !strings.HasSuffix(name, "_script") {
			return true
		}
	}
	return false
}

// duration reads the API's durations: "20" and "20s" are seconds; ms, us, m,
// min, h and hr are known. What cannot be read is 0.
func duration(s string) time.Duration {
	s = strings.ToLower(strings.TrimSpace(s))
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz \t")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < 0 || n > 1e9 { // 1e9 s is 30 years
		return 0
	}
	unit, ok := map[string]time.Duration{
		"": time.Second, "s": time.Second, "sec": time.Second, "ms": time.Millisecond, "msec": time.Millisecond,
		"us": time.Microsecond, "usec": time.Microsecond, "m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour,
	}[strings.TrimSpace(s[len(digits):])]
	if !ok || n*float64(unit) > 1e9*float64(time.Second) {
		return 0
	}
	return time.Duration(n * float64(unit))
}
