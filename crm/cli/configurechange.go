package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/config"
)

func newConfigureSet(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "set NAME.PATH VALUE",
		Short: "Set one argument of an object",
		Long: `Set one argument of an object. PATH is a parameter or argument ("ip", "score"), or
leads into a block: "meta.priority", "op.monitor.timeout", "op.monitor.10s.timeout",
"attributes.rack". A cluster option is "options.NAME", a default
"defaults.resource.NAME" or "defaults.op.NAME".`,
		Example:           "  crm configure set ip.ip 10.0.0.9\n  crm configure set web.meta.priority 10\n  crm configure set options.no-quorum-policy stop",
		Args:              takes(2, 2, "NAME.PATH and a value"),
		ValidArgsFunction: app.completeSet,
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.editConfig(cmd.Context(), "set "+strings.Join(args, " "), func(set config.Set) (config.Set, []string, error) {
				out, err := setValue(set, args[0], args[1])
				return out, nil, err
			})
		},
	}
}

func newConfigureUnset(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "unset NAME.PATH",
		Short:             "Remove one argument of an object",
		Long:              "Remove one argument of an object. The paths are those of 'crm configure set'.",
		Example:           "  crm configure unset web.meta.priority\n  crm configure unset options.no-quorum-policy",
		Args:              takes(1, 1, "NAME.PATH"),
		ValidArgsFunction: app.completeSet,
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.editConfig(cmd.Context(), "unset "+args[0], func(set config.Set) (config.Set, []string, error) {
				out, err := unsetValue(set, args[0])
				return out, nil, err
			})
		},
	}
}

func (a *App) completeSet(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, wordsOnly
	}
	n := a.names(cmd)
	var words []string
	for _, name := range append(append([]string{"options", "defaults.resource", "defaults.op"}, n.Resources...), n.Constraints...) {
		words = append(words, name+".")
	}
	return matching(words, nil, prefix), wordsOnly | cobra.ShellCompDirectiveNoSpace
}

// objectPath divides "web.meta.priority" into object and path.
func objectPath(text string) (object, path string, err error) {
	object, path, ok := strings.Cut(text, ".")
	if !ok || object == "" || path == "" {
		return "", "", exitf(ExitUsage, "%q is no NAME.PATH such as web.meta.priority", text)
	}
	return object, path, nil
}

func setValue(set config.Set, where, value string) (config.Set, error) {
	object, path, err := objectPath(where)
	if err != nil {
		return set, err
	}
	switch object {
	case "options":
		return config.SetOption(set, path, value)
	case "defaults":
		of, name, err := objectPath(path)
		if err != nil {
			return set, err
		}
		return config.SetDefault(set, of, name, value)
	}
	if isList(value) {
		return config.SetExpression(set, object, path, value)
	}
	return config.SetArgument(set, object, path, value)
}

func isList(value string) bool {
	return strings.HasPrefix(value, "[") && strings.HasSuffix(value, "]")
}

func unsetValue(set config.Set, where string) (config.Set, error) {
	object, path, err := objectPath(where)
	if err != nil {
		return set, err
	}
	switch object {
	case "options":
		return config.DeleteOption(set, path)
	case "defaults":
		of, name, err := objectPath(path)
		if err != nil {
			return set, err
		}
		return config.DeleteDefault(set, of, name)
	}
	return config.DeleteArgument(set, object, path)
}

func newConfigureDelete(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME…",
		Short: "Delete objects and what can not be without them",
		Long: `Delete objects and what can not be without them: constraints about them, their
places in groups, lists and tags. A resource that runs is stopped.`,
		Example:           "  crm configure delete web\n  crm configure delete c1 o1 -y",
		Args:              takes(1, -1, "an object"),
		ValidArgsFunction: app.completeObjects,
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.editConfig(cmd.Context(), "delete "+strings.Join(args, " "), func(set config.Set) (config.Set, []string, error) {
				var notes []string
				for _, name := range args {
					next, more, err := config.DeleteObject(set, name)
					if err != nil {
						return set, nil, err
					}
					set, notes = next, append(notes, more...)
				}
				return set, notes, nil
			})
		},
	}
}
