package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/config"
)

func newConfigureEdit(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "edit [NAME…]",
		Short: "Change the configuration, or some objects, in an editor",
		Long: `Change the configuration, or the blocks of some objects, in the editor that
VISUAL or EDITOR names (vi without them). What is wrong is shown, and the editor
opens again with your text.`,
		Example:           "  crm configure edit\n  crm configure edit web",
		ValidArgsFunction: app.completeObjects,
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.editConfig(cmd.Context(), "edit "+strings.Join(args, " "), func(set config.Set) (config.Set, []string, error) {
				out, err := app.editLoop(cmd.Context(), set, args)
				return out, nil, err
			})
		},
	}
}

// editLoop opens the editor until what comes back is valid, or is given up.
func (a *App) editLoop(ctx context.Context, set config.Set, names []string) (config.Set, error) {
	text, err := editable(set, names)
	if err != nil {
		return set, err
	}
	for {
		changed, err := a.inEditor(ctx, text)
		if err != nil {
			return set, err
		}
		out, err := edited(set, names, changed)
		if err == nil {
			var v *api.Verdict
			if v, err = a.API().Validate(ctx, api.Candidate{Documents: api.Documents(out)}); err != nil {
				return set, err
			}
			if v.OK {
				return out, nil
			}
			a.printFindings(v.Diagnostics.Errors())
		} else {
			a.printError(err.Error())
		}
		if err := a.confirm("Edit again?"); err != nil {
			return set, exitf(ExitConfig, "the configuration stays as it was")
		}
		text = changed
	}
}

// editable is what the editor shows: blocks, or all documents.
func editable(set config.Set, names []string) (string, error) {
	if len(names) == 0 {
		var b strings.Builder
		for _, d := range set.Documents {
			b.WriteString(titleOf(d.Name) + "\n" + strings.TrimRight(string(d.Text), "\n") + "\n\n")
		}
		return b.String(), nil
	}
	var texts []string
	for _, name := range names {
		_, text, err := config.Source(set, name)
		if err != nil {
			return "", exitf(ExitNoSuchObject, "%w", err)
		}
		texts = append(texts, titleOf(name)+"\n"+text)
	}
	return strings.Join(texts, "\n"), nil
}

// edited puts what came back where it was.
func edited(set config.Set, names []string, text string) (config.Set, error) {
	parts := map[string]string{}
	var order []string
	name := ""
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), titleOf("")); ok && strings.TrimSpace(title) != "" {
			name = strings.TrimSpace(title)
			order = append(order, name)
			continue
		}
		parts[name] += line
	}
	if strings.TrimSpace(parts[""]) != "" {
		if len(names) > 0 || len(order) > 0 {
			return set, errors.New("there is text before the first heading (# ---- NAME)")
		}
		return set.With(config.Document{Name: "cluster.hcl", Text: []byte(parts[""])}), nil
	}
	if len(names) == 0 {
		var docs []config.Document
		for _, n := range order {
			docs = append(docs, config.Document{Name: n, Text: []byte(strings.Trim(parts[n], "\n") + "\n")})
		}
		return config.NewSet(docs...), nil
	}
	for _, n := range names {
		var err error
		if strings.TrimSpace(parts[n]) == "" {
			return set, errors.New("the block of " + n + " is gone: to delete it, use 'delete'")
		}
		if set, err = config.ReplaceBlock(set, n, parts[n]); err != nil {
			return set, err
		}
	}
	return set, nil
}

// inEditor lets a person change a text.
func (a *App) inEditor(ctx context.Context, text string) (string, error) {
	dir, err := os.MkdirTemp("", "crm-edit-")
	if err != nil {
		return "", exitf(ExitCannotCreate, "%w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "edit.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", exitf(ExitCannotCreate, "%w", err)
	}
	words := strings.Fields(envOr("VISUAL", envOr("EDITOR", "vi")))
	run := exec.CommandContext(ctx, words[0], append(words[1:], file)...)
	run.Stdin, run.Stdout, run.Stderr = a.In, a.Out, a.Err
	if err := run.Run(); err != nil {
		return "", exitf(ExitUnavailable, "the editor %s: %w (choose another one with EDITOR)", words[0], err)
	}
	out, err := readFile(file)
	return string(out), err
}
