package reports

import (
	"encoding/json"
	"fmt"
	"io"

	"probe/analysis"
)

// JSON writes the document as analysis.json: indented, keys in a fixed order,
// lists that are empty as [] and never as null, so that a reader can loop over
// them.
func JSON(w io.Writer, d *analysis.Document) error {
	out := *d
	out.Limits = append([]analysis.Limit{}, d.Limits...)
	for i := range out.Limits {
		if out.Limits[i].Rivals == nil {
			out.Limits[i].Rivals = []string{}
		}
	}
	if out.Stages == nil {
		out.Stages = []analysis.StageRow{}
	}
	if out.Warnings == nil {
		out.Warnings = []string{}
	}
	if out.Schema == "" {
		out.Schema = analysis.Schema
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&out); err != nil {
		return fmt.Errorf("analysis.json: %w", err)
	}
	return nil
}
