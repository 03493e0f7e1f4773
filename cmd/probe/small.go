package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"probe/scenarios"
)

func newSchema(a app) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "print the JSON Schema of scenario files",
		Example: "  probe schema > scenario.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			schema, err := scenarios.JSONSchema()
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(schema)
			return err
		},
	}
}

func newVersion(a app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version and how it was built", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(a.stdout, "probe "+version())
			return nil
		},
	}
}

// version tells the module's version, the revision it was built from and the
// compiler, as far as the binary knows.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
		if s.Key == "vcs.modified" && s.Value == "true" {
			v += " (modified)"
		}
	}
	return v + " " + info.GoVersion
}
