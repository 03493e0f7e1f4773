package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

const manLong = `Man writes a man page for every verb into a folder: probe.1, probe-run.1 and so
on. Packages install them under share/man/man1.

For completion in a shell see probe completion --help.`

func newMan(a app) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "write the man pages", Long: manLong,
		Example: "  probe man /usr/local/share/man/man1",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := c.Root()
			root.DisableAutoGenTag = true
			date := builtOn(a.now())
			header := &doc.GenManHeader{Section: "1", Source: "probe", Manual: "probe", Date: &date}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("man pages: %w", err)
			}
			return nil
		},
	}
}

// builtOn is the date of the revision that the program was built from, so that
// equal builds write equal pages; now when it is not known.
func builtOn(now time.Time) time.Time {
	if t, err := time.Parse(time.RFC3339, buildSettings()["vcs.time"]); err == nil {
		return t
	}
	return now
}
