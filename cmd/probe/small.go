package main

import (
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
