package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/config"
)

// Draft is a working copy of the configuration, bound to the version that it
// was made from.
type Draft struct {
	Base  *api.Configuration
	Set   config.Set
	Dirty bool
}

// edit is a change of documents. It also says in words what was touched beside
// its object, if anything.
type edit func(config.Set) (config.Set, []string, error)

// editConfig changes the working copy, or, where there is none, the
// configuration in force: then the plan is shown, asked about, and carried out.
func (a *App) editConfig(ctx context.Context, comment string, fn edit) error {
	if a.Draft != nil {
		return a.editDraft(ctx, fn)
	}
	base, err := a.API().Config(ctx)
	if err != nil {
		return err
	}
	set, notes, err := fn(base.Set())
	if err != nil {
		return editError(err)
	}
	for _, n := range notes {
		a.note("%s", n)
	}
	return a.commit(ctx, api.Candidate{Base: base.Version, Documents: api.Documents(set), Comment: comment})
}

// editDraft keeps a change only if the result has no new kind of error at its
// own lines: what is wrong is said where it is typed.
func (a *App) editDraft(ctx context.Context, fn edit) error {
	set, notes, err := fn(a.Draft.Set)
	if err != nil {
		return editError(err)
	}
	verdict, err := a.API().Validate(ctx, api.Candidate{Documents: api.Documents(set)})
	if err != nil {
		return err
	}
	if !verdict.OK {
		return &diagnosed{found: verdict.Diagnostics.Errors()}
	}
	a.Draft.Set, a.Draft.Dirty = set, true
	for _, n := range notes {
		a.note("%s", n)
	}
	return nil
}

func editError(err error) error {
	var exit *ExitError
	var e *api.Error
	if errors.As(err, &exit) || errors.As(err, &e) {
		return err
	}
	if strings.Contains(err.Error(), "no object named") {
		return exitf(ExitNoSuchObject, "%w", err)
	}
	return exitf(ExitConfig, "%w", err)
}

// commit plans a candidate, shows the plan, asks when it does something, puts
// it into force and follows it.
func (a *App) commit(ctx context.Context, c api.Candidate) error {
	plan, err := a.API().Plan(ctx, c)
	if err != nil {
		return err
	}
	if len(plan.Changes) == 0 && len(plan.Actions) == 0 && plan.Base == c.Base && !a.differs(ctx, c) {
		return a.show(&api.Change{Version: plan.Base, Text: "nothing changes"}, func() string { return "Nothing changes.\n" })
	}
	a.printFindings(plan.Diagnostics)
	if !a.Yes {
		a.note("%s", strings.TrimRight(planText(plan), "\n"))
		if err := a.confirmPlan(plan); err != nil {
			return err
		}
	}
	change, err := a.API().Commit(ctx, c)
	if err != nil {
		return err
	}
	if a.Draft != nil {
		if err := a.refreshDraft(ctx); err != nil {
			return err
		}
	}
	return a.changed(ctx, change)
}

// differs says whether a candidate's text is another one, though it means the
// same: comments count.
func (a *App) differs(ctx context.Context, c api.Candidate) bool {
	base, err := a.API().Config(ctx)
	if err != nil || len(base.Documents) != len(c.Documents) {
		return true
	}
	old := base.Set()
	for _, d := range c.Documents {
		if was, ok := old.Document(d.Name); !ok || string(was.Text) != d.Text {
			return true
		}
	}
	return false
}

func (a *App) confirmPlan(p *api.Plan) error {
	if len(p.Actions) == 0 {
		return nil
	}
	return a.confirm("Commit?")
}

func (a *App) refreshDraft(ctx context.Context) error {
	base, err := a.API().Config(ctx)
	if err != nil {
		return err
	}
	a.Draft.Base, a.Draft.Set, a.Draft.Dirty = base, base.Set(), false
	return nil
}

// printFindings writes diagnostics to the error stream.
func (a *App) printFindings(found config.Diagnostics) {
	if len(found) > 0 {
		a.note("%s\n", strings.TrimRight(found.Render(a.ErrColor), "\n"))
	}
}

// planText is a plan for people: what changes in the configuration, what would
// run, and what ends up elsewhere.
func planText(p *api.Plan) string {
	var b strings.Builder
	if len(p.Changes) > 0 {
		b.WriteString(strings.TrimRight(config.DiffText(p.Changes), "\n") + "\n\n")
	}
	b.WriteString(p.Text())
	if ends := stopping(p); len(ends) > 0 {
		fmt.Fprintf(&b, "\nWill not run anywhere: %s\n", strings.Join(ends, ", "))
	}
	return b.String()
}

func stopping(p *api.Plan) []string {
	var out []string
	for _, m := range p.Moves {
		if m.Stops() {
			out = append(out, m.Resource)
		}
	}
	return out
}
