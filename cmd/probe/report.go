package main

import (
	"strings"

	"github.com/spf13/cobra"

	"probe/reports"
)

const reportLong = `Report concludes again from a run folder and prints it. Nothing is sent and
nothing in the folder changes, except with --write, which writes the report
files of the folder anew.`

func newReport(a app) *cobra.Command {
	var format string
	var write bool
	c := &cobra.Command{
		Use: "report RUN", Short: "show what a run concluded", Long: reportLong,
		Example: "  probe report runs/quickstart-20261123-181500\n" +
			"  probe report runs/quickstart-20261123-181500 --format markdown > report.md",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := reports.Lookup(format); err != nil {
				return err
			}
			r, err := readRun(args[0])
			if err != nil {
				return err
			}
			if write {
				if err := reports.Folder(args[0], r.document, r.series(), r.traces); err != nil {
					return err
				}
			}
			if format == "quota-request" {
				return quotaRequest(a, args[0], r)
			}
			return r.show(a, format)
		},
	}
	c.Flags().StringVar(&format, "format", "table", "one of "+strings.Join(reports.Formats(), ", "))
	c.Flags().BoolVar(&write, "write", false, "write analysis.json, report.md, report.html, plots and tables anew")
	return c
}

// show writes the run in a format. Tables suit the terminal, and the page has
// the charts that need more than the document.
func (r *recordedRun) show(a app, format string) error {
	switch format {
	case "table":
		return reports.Terminal(a.stdout, r.document, a.terminal(false))
	case "html":
		return reports.HTMLPage(a.stdout, r.document, reports.PageData{
			Series: r.series(), Traces: r.traces, Scenario: r.scenario,
		})
	}
	write, err := reports.Lookup(format)
	if err != nil {
		return err
	}
	return write(a.stdout, r.document)
}
