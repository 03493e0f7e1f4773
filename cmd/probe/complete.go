package main

import (
	"strings"

	"github.com/spf13/cobra"

	"probe/reports"
	"probe/scenarios"
)

// addCompletions tells shells what may stand after verbs and flags. Where
// nothing is said they complete files.
func addCompletions(root *cobra.Command) {
	values := map[string]map[string][]string{
		"run":    {"progress": progressModes},
		"report": {"format": reports.Formats()},
		"gate":   {"format": {"table", "json"}},
	}
	for _, c := range root.Commands() {
		name := c.Name()
		switch name {
		case "run", "plan", "serve", "compare":
			c.ValidArgsFunction = completeScenario
		case "report", "gate":
			c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
		}
		for flag, list := range values[name] {
			// It fails for a flag that is not there or was done before: TestCompletion sees both.
			_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp))
		}
	}
}

// completeScenario offers the built-in scenarios beside files.
func completeScenario(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, name := range scenarios.Builtins() {
		if strings.HasPrefix(name, start) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}
