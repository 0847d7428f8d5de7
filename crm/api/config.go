package api

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/crm/config"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// Configuration is the configuration as text.
type Configuration struct {
	ConfigInfo
	Documents []state.Document `json:"documents"`
}

// Set is the configuration as package config takes it.
func (c *Configuration) Set() config.Set { return setOf(c.Documents) }

func setOf(docs []state.Document) config.Set {
	out := make([]config.Document, len(docs))
	for i, d := range docs {
		out[i] = config.Document{Name: d.Name, Text: []byte(d.Text)}
	}
	return config.NewSet(out...)
}

// Documents is a set as the API carries it.
func Documents(set config.Set) []state.Document {
	out := make([]state.Document, len(set.Documents))
	for i, d := range set.Documents {
		out[i] = state.Document{Name: d.Name, Text: string(d.Text)}
	}
	return out
}

// Candidate is a configuration that somebody has in mind.
type Candidate struct {
	// Base is the version that it was made from. A commit is refused when another
	// one is in force by then. A plan ignores it.
	Base      int64            `json:"base"`
	Documents []state.Document `json:"documents"`
	Comment   string           `json:"comment,omitempty"`

	// Variables are values for variable blocks.
	Variables map[string]string `json:"variables,omitempty"`

	// If imagines something beside the change, for a plan: "node-fail=n2",
	// "node-standby=n2", "node-online=n2", "node-maintenance=n2",
	// "resource-stop=web", "resource-start=web", "quorum-lost".
	If []string `json:"if,omitempty"`

	// Unchanged says that there is no candidate: the plan is about If alone.
	Unchanged bool `json:"unchanged,omitempty"`
}

// Verdict is what validation found.
type Verdict struct {
	OK          bool               `json:"ok"`
	Diagnostics config.Diagnostics `json:"diagnostics,omitempty"`
}

func (s *Server) getConfig(*http.Request) (any, error) {
	c := s.backend.State().Config
	return &Configuration{
		ConfigInfo: ConfigInfo{Version: c.Version, Author: c.Author, Comment: c.Comment, At: milli(c.At)},
		Documents:  slices.Clone(c.Documents),
	}, nil
}

// getVersions lists the versions that are kept, newest first.
func (s *Server) getVersions(*http.Request) (any, error) {
	st := s.backend.State()
	out := []ConfigInfo{}
	if c := st.Config; c.Version > 0 {
		out = append(out, ConfigInfo{Version: c.Version, Author: c.Author, Comment: c.Comment, At: milli(c.At)})
	}
	for _, v := range slices.Backward(st.Versions) {
		out = append(out, ConfigInfo{Version: v.Version, Author: v.Author, Comment: v.Comment, At: milli(v.At)})
	}
	return out, nil
}

func (s *Server) getVersion(r *http.Request) (any, error) {
	n, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
	if err != nil {
		return nil, errorf(BadRequest, "%q is no version number", r.PathValue("n"))
	}
	st := s.backend.State()
	if n == st.Config.Version {
		return s.getConfig(r)
	}
	for _, v := range st.Versions {
		if v.Version == n {
			return &Configuration{ConfigInfo: ConfigInfo{Version: v.Version, Author: v.Author, Comment: v.Comment, At: milli(v.At)}, Documents: v.Documents}, nil
		}
	}
	return nil, errorf(NoSuch, "version %d of the configuration is not kept: see 'crm history versions'", n)
}

// read decodes and checks a candidate. Its diagnostics include what the policy
// engine says of it. Values of variables become part of the documents, so that
// what is stored says it all.
func (s *Server) read(c *Candidate) (*config.Decoded, config.Diagnostics, error) {
	set := setOf(c.Documents)
	if len(c.Variables) > 0 {
		fixed, err := config.FixVariables(set, c.Variables)
		if err != nil {
			return nil, nil, errorf(Invalid, "%v", err)
		}
		set, c.Documents, c.Variables = fixed, Documents(fixed), nil
	}
	dec, diags := config.Decode(set, config.Options{Agents: s.catalog, KnownNodes: s.knownNodes()})
	if !diags.HasErrors() {
		diags = append(diags, config.Problems(set, policy.Check(dec.Policy))...)
	}
	return dec, diags, nil
}

// knownNodes are the nodes that exist without a node block.
func (s *Server) knownNodes() []string {
	names := map[string]bool{}
	for name := range s.backend.State().Nodes {
		names[name] = true
	}
	for _, m := range s.backend.Cluster().Members {
		names[m.Name] = true
	}
	return sortedKeys(names)
}

func (s *Server) postValidate(r *http.Request) (any, error) {
	var c Candidate
	if err := decode(r, &c); err != nil {
		return nil, err
	}
	_, diags, err := s.read(&c)
	if err != nil {
		return nil, err
	}
	return &Verdict{OK: !diags.HasErrors(), Diagnostics: diags}, nil
}

// command is the change that a candidate asks for.
func (s *Server) command(c *Candidate) (state.Command, *config.Decoded, config.Diagnostics, error) {
	dec, diags, err := s.read(c)
	if err != nil {
		return state.Command{}, nil, nil, err
	}
	if err := diags.Err(); err != nil {
		return state.Command{}, nil, nil, &Error{Kind: Invalid, Message: err.Error(), Diagnostics: diags}
	}
	return state.Command{SetConfig: &state.SetConfig{
		Base: c.Base, Documents: c.Documents, Policy: dec.Policy, Comment: c.Comment,
		Cluster: state.Cluster{FailureTimeoutMS: dec.Cluster.FailureTimeout.Milliseconds()},
	}}, dec, diags, nil
}

func (s *Server) postConfig(r *http.Request) (any, error) {
	var c Candidate
	if err := decode(r, &c); err != nil {
		return nil, err
	}
	cmd, _, _, err := s.command(&c)
	if err != nil {
		return nil, err
	}
	cmd.By = author(r.Context())
	out, err := s.propose(r.Context(), cmd, "", "the configuration")
	if err != nil {
		return nil, err
	}
	out.Text = "version " + strconv.FormatInt(out.Version, 10) + " by " + cmd.By
	return out, nil
}

// postPlan says what a candidate would change and do.
func (s *Server) postPlan(r *http.Request) (any, error) {
	var c Candidate
	if err := decode(r, &c); err != nil {
		return nil, err
	}
	now := time.Now()
	from := s.backend.State()
	to, quorum := from, s.backend.Cluster().Quorum
	var changes []config.Change
	var diags config.Diagnostics
	if !c.Unchanged {
		c.Base = from.Config.Version
		cmd, dec, found, err := s.command(&c)
		if err != nil {
			return nil, err
		}
		if to, err = imagine(from, cmd, now); err != nil {
			return nil, err
		}
		diags = found
		old, _ := config.Decode(setOf(from.Config.Documents), config.Options{NoLints: true, KnownNodes: s.knownNodes()})
		changes = config.Diff(old, dec)
	}
	for _, text := range c.If {
		var err error
		if to, quorum, err = suppose(to, quorum, text, now); err != nil {
			return nil, err
		}
	}
	plan, err := s.compare(from, to, now, quorum)
	if err != nil {
		return nil, err
	}
	plan.Changes, plan.Diagnostics = changes, diags
	return plan, nil
}
