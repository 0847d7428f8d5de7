package policy

// Constraint is one rule about resources: exactly one of the fields is set.
// Constraints of all kinds share one list because document order decides ties.
type Constraint struct {
	Location   *Location   `json:"location,omitempty"`
	Colocation *Colocation `json:"colocation,omitempty"`
	Order      *Order      `json:"order,omitempty"`
	Ticket     *Ticket     `json:"ticket,omitempty"`
}

// ID is the constraint's name, whatever its kind.
func (c Constraint) ID() string {
	switch {
	case c.Location != nil:
		return c.Location.ID
	case c.Colocation != nil:
		return c.Colocation.ID
	case c.Order != nil:
		return c.Order.ID
	case c.Ticket != nil:
		return c.Ticket.ID
	}
	return ""
}

// Sets are the constraint's resource sets, whatever its kind.
func (c Constraint) Sets() []ResourceSet {
	switch {
	case c.Location != nil:
		return c.Location.Sets
	case c.Colocation != nil:
		return c.Colocation.Sets
	case c.Order != nil:
		return c.Order.Sets
	case c.Ticket != nil:
		return c.Ticket.Sets
	}
	return nil
}

// Location prefers, avoids or forbids nodes for a resource. It names its
// resources by exactly one of Resource, Pattern and Sets, and its nodes by Node
// with Score, or by Rules.
type Location struct {
	ID        string        `json:"id"`
	Resource  string        `json:"resource,omitempty"`
	Pattern   string        `json:"rsc-pattern,omitempty"` // POSIX extended; a leading "!" inverts it
	Sets      []ResourceSet `json:"sets,omitempty"`
	Node      string        `json:"node,omitempty"`
	Score     string        `json:"score,omitempty"`
	Rules     []Rule        `json:"rules,omitempty"`
	Role      string        `json:"role,omitempty"`
	Discovery string        `json:"resource-discovery,omitempty"` // always, never, exclusive
	Pos       Pos           `json:"pos,omitzero"`
}

// Colocation places Resource relative to With: together for positive scores,
// apart for negative ones. Sets replace Resource and With.
type Colocation struct {
	ID            string        `json:"id"`
	Resource      string        `json:"resource,omitempty"`
	With          string        `json:"with,omitempty"`
	ResourceRole  string        `json:"resource-role,omitempty"`
	WithRole      string        `json:"with-role,omitempty"`
	Score         string        `json:"score,omitempty"`
	NodeAttribute string        `json:"node-attribute,omitempty"`
	Influence     string        `json:"influence,omitempty"`
	Sets          []ResourceSet `json:"sets,omitempty"`
	Pos           Pos           `json:"pos,omitzero"`

	// ResourceInstance and WithInstance number clone instances (deprecated).
	ResourceInstance string `json:"resource-instance,omitempty"`
	WithInstance     string `json:"with-instance,omitempty"`
}

// Order runs one action after another. Sets replace First and Then.
type Order struct {
	ID          string        `json:"id"`
	First       string        `json:"first,omitempty"`
	Then        string        `json:"then,omitempty"`
	FirstAction string        `json:"first-action,omitempty"`
	ThenAction  string        `json:"then-action,omitempty"`
	Kind        string        `json:"kind,omitempty"`  // Mandatory, Optional, Serialize
	Score       string        `json:"score,omitempty"` // old form of kind
	Symmetrical string        `json:"symmetrical,omitempty"`
	RequireAll  string        `json:"require-all,omitempty"`
	Sets        []ResourceSet `json:"sets,omitempty"`
	Pos         Pos           `json:"pos,omitzero"`

	// FirstInstance and ThenInstance number clone instances (deprecated).
	FirstInstance string `json:"first-instance,omitempty"`
	ThenInstance  string `json:"then-instance,omitempty"`
}

// Ticket ties resources to a geo-cluster ticket.
type Ticket struct {
	ID           string        `json:"id"`
	Ticket       string        `json:"ticket"`
	Resource     string        `json:"resource,omitempty"`
	ResourceRole string        `json:"resource-role,omitempty"`
	LossPolicy   string        `json:"loss-policy,omitempty"` // stop, demote, fence, freeze
	Sets         []ResourceSet `json:"sets,omitempty"`
	Pos          Pos           `json:"pos,omitzero"`
}

// ResourceSet is a set of resources inside a constraint.
type ResourceSet struct {
	ID         string   `json:"id,omitempty"`
	IDRef      string   `json:"id-ref,omitempty"`
	Resources  []string `json:"resources,omitempty"`
	Sequential string   `json:"sequential,omitempty"`
	RequireAll string   `json:"require-all,omitempty"`
	Ordering   string   `json:"ordering,omitempty"`
	Action     string   `json:"action,omitempty"`
	Role       string   `json:"role,omitempty"`
	Score      string   `json:"score,omitempty"`
	Kind       string   `json:"kind,omitempty"`
	Pos        Pos      `json:"pos,omitzero"`
}

// Rule is a condition on node attributes, time, agent or operation. Score,
// ScoreAttribute and Role matter on the top rule of a location only.
type Rule struct {
	ID             string      `json:"id,omitempty"`
	IDRef          string      `json:"id-ref,omitempty"`
	BooleanOp      string      `json:"boolean-op,omitempty"` // and, or
	Score          string      `json:"score,omitempty"`
	ScoreAttribute string      `json:"score-attribute,omitempty"`
	Role           string      `json:"role,omitempty"`
	Conditions     []Condition `json:"conditions,omitempty"`
	Pos            Pos         `json:"pos,omitzero"`
}

// Condition is one part of a rule: exactly one of the fields is set.
type Condition struct {
	Rule      *Rule          `json:"rule,omitempty"`
	Attribute *AttributeTest `json:"attribute,omitempty"`
	Date      *DateTest      `json:"date,omitempty"`
	Resource  *ResourceTest  `json:"resource,omitempty"`
	Op        *OpTest        `json:"op,omitempty"`
	Unknown   string         `json:"unknown,omitempty"` // an element nobody knows: fails
}

// AttributeTest compares a node attribute ("expression" in a CIB).
type AttributeTest struct {
	ID          string `json:"id,omitempty"`
	Attribute   string `json:"attribute"`
	Operation   string `json:"operation"` // lt gt lte gte eq ne defined not_defined
	Value       string `json:"value,omitempty"`
	HasValue    bool   `json:"has-value,omitempty"`
	ValueSource string `json:"value-source,omitempty"` // literal, param, meta
	Type        string `json:"type,omitempty"`         // string, integer, number, version
}

// DateTest compares the time ("date_expression" in a CIB). Spec and Duration
// hold the attributes of the elements of those names.
type DateTest struct {
	ID          string `json:"id,omitempty"`
	Operation   string `json:"operation,omitempty"` // in_range, gt, lt, date_spec
	Start       string `json:"start,omitempty"`
	End         string `json:"end,omitempty"`
	Spec        []Pair `json:"spec,omitempty"`
	HasSpec     bool   `json:"has-spec,omitempty"`
	SpecID      string `json:"spec-id,omitempty"`
	Duration    []Pair `json:"duration,omitempty"`
	HasDuration bool   `json:"has-duration,omitempty"`
	DurationID  string `json:"duration-id,omitempty"`
}

// ResourceTest compares the agent of a resource ("rsc_expression").
type ResourceTest struct {
	ID       string  `json:"id,omitempty"`
	Class    *string `json:"class,omitempty"`
	Provider *string `json:"provider,omitempty"`
	Type     *string `json:"type,omitempty"`
}

// OpTest compares an operation ("op_expression").
type OpTest struct {
	ID       string `json:"id,omitempty"`
	Name     string `json:"name"`
	Interval string `json:"interval,omitempty"`
}
