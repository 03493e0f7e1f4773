package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// buildInfo is what the binary knows about itself.
type buildInfo struct {
	Version  string `json:"version"`            // of the module: a tag, or what follows from it
	Revision string `json:"revision,omitempty"` // of the source
	Date     string `json:"date,omitempty"`     // of the revision
	Modified bool   `json:"modified"`           // the source had changes that are in no revision
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Vegeta   string `json:"vegeta,omitempty"` // version of the engine
}

func newVersion(a app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "version", Short: "print the version and how it was built", Args: cobra.NoArgs,
		Example: "  probe version --json",
		RunE: func(*cobra.Command, []string) error {
			b := readBuildInfo()
			if asJSON {
				enc := json.NewEncoder(a.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(b)
			}
			fmt.Fprintf(a.stdout, "probe %s\n", version())
			if b.Date != "" {
				fmt.Fprintf(a.stdout, "source of %s\n", b.Date)
			}
			fmt.Fprintf(a.stdout, "%s, Vegeta %s\n", b.Platform, b.Vegeta)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return c
}

// version tells in a line what the records of a run need: the module's
// version, the revision it was built from, and the compiler.
func version() string {
	b := readBuildInfo()
	v := b.Version
	if b.Revision != "" {
		v += " " + b.Revision
	}
	if b.Modified {
		v += " (modified)"
	}
	return v + " " + b.Go
}

func readBuildInfo() buildInfo {
	b := buildInfo{Version: "(unknown)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	settings := buildSettings()
	b.Version, b.Revision, b.Date, b.Modified = info.Main.Version, settings["vcs.revision"], settings["vcs.time"], settings["vcs.modified"] == "true"
	if b.Version == "" {
		b.Version = "(devel)"
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/tsenart/vegeta/v12" {
			b.Vegeta = m.Version
		}
	}
	return b
}

// buildSettings are the settings that the compiler noted in the binary.
func buildSettings() map[string]string {
	settings := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
	}
	return settings
}
