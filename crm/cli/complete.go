package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/crm/api"
)

// completionLimit keeps a TAB from hanging on a daemon that is busy.
const completionLimit = 2 * time.Second

// completer is what cobra asks for the words that can follow.
type completer = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

const wordsOnly = cobra.ShellCompDirectiveNoFileComp

// names asks the daemon for the words that it knows; without one there are none.
func (a *App) names(cmd *cobra.Command) *api.Names {
	ctx, cancel := context.WithTimeout(contextOf(cmd), completionLimit)
	defer cancel()
	n, err := a.API().Names(ctx)
	if err != nil {
		return &api.Names{}
	}
	return n
}

func contextOf(cmd *cobra.Command) context.Context {
	if ctx := cmd.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

func (a *App) completeNodes(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return matching(a.names(cmd).Nodes, args, prefix), wordsOnly
}

func (a *App) completeResources(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	n := a.names(cmd)
	return matching(described(n.Resources, n.Objects), args, prefix), wordsOnly
}

// completeResourceThenNode offers resources, and then nodes.
func (a *App) completeResourceThenNode(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return a.completeResources(cmd, args, prefix)
	case 1:
		return a.completeNodes(cmd, nil, prefix)
	}
	return nil, wordsOnly
}

// completeOne offers what fn offers for the first argument only.
func completeOne(fn completer) completer {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, wordsOnly
		}
		return fn(cmd, args, prefix)
	}
}

func (a *App) completeObjects(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	n := a.names(cmd)
	all := slices.Concat(n.Resources, n.Fences, n.Constraints, n.Templates, n.Tags, n.Nodes)
	return matching(described(all, n.Objects), args, prefix), wordsOnly
}

func (a *App) completeAgents(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return matching(a.names(cmd).Agents, args, prefix), wordsOnly
}

// parameters offers NAME= for an agent's parameters, required ones first, with
// help.
func (a *App) parameters(cmd *cobra.Command, agent string, args []string, prefix string) []string {
	ctx, cancel := context.WithTimeout(contextOf(cmd), completionLimit)
	defer cancel()
	meta, err := a.API().Agent(ctx, agent)
	if err != nil {
		return nil
	}
	list := slices.Clone(meta.Parameters)
	slices.SortStableFunc(list, func(x, y agents.Parameter) int {
		switch {
		case x.Required == y.Required:
			return strings.Compare(x.Name, y.Name)
		case x.Required:
			return -1
		}
		return 1
	})
	var out []string
	for _, p := range list {
		given := slices.ContainsFunc(args, func(s string) bool { return strings.HasPrefix(s, p.Name+"=") })
		if given || !strings.HasPrefix(p.Name+"=", prefix) {
			continue
		}
		help := firstLine(p.Short)
		if p.Required {
			help = "required: " + help
		}
		out = append(out, p.Name+"=\t"+help)
	}
	return out
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// described adds what an object is to its name, as cobra wants it.
func described(names []string, objects []api.Object) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = name
		for _, o := range objects {
			if o.Name == name {
				out[i] = name + "\t" + o.Text
			}
		}
	}
	return out
}

// matching are the words that begin with prefix and were not said yet.
func matching(words, said []string, prefix string) []string {
	var out []string
	for _, w := range words {
		name, _, _ := strings.Cut(w, "\t")
		if strings.HasPrefix(name, prefix) && !slices.Contains(said, name) {
			out = append(out, w)
		}
	}
	return out
}
