package page

import (
	"html/template"
	"strings"
)

// A Chart is a figure with its caption, its still picture, what the script
// needs to draw it, and its figures as a table.
type Chart struct {
	ID      string // a name of letters, digits and hyphens, unique on the page
	Title   string // the claim
	Caption string // what is drawn and how it was counted
	Legend  []Key
	Still   []byte // the picture as SVG
	Plot    *Plot  // nil: the still picture is all there is
	Table   *Table
}

// A Key is one entry of a legend. Role names its colour in the style sheet,
// Form is line, dash, block or one of the shapes of a point.
type Key struct {
	Name, Role, Form string
}

// A Plot is what the script draws: panels above each other that share their
// x values. It is written into the page as JSON.
type Plot struct {
	X      []float64 `json:"x"`
	XLabel string    `json:"xLabel"`
	XKind  string    `json:"xKind"` // clock (seconds), log, linear, or label
	XMin   float64   `json:"xMin"`
	XMax   float64   `json:"xMax"`
	// Names are what is read out at each x, for plots of single points and
	// bars; the others read out their series.
	Names  []string `json:"names,omitempty"`
	Labels []string `json:"labels,omitempty"` // at each x: below the axis for XKind label, else beside the point
	Panels []Panel  `json:"panels"`
}

// A Panel is one coordinate system.
type Panel struct {
	YLabel string   `json:"yLabel"`
	Unit   string   `json:"unit,omitempty"` // behind a value that is read out
	YMin   float64  `json:"yMin"`
	YMax   float64  `json:"yMax"`
	Log    bool     `json:"log,omitempty"`
	Share  float64  `json:"share"` // of the height
	Stack  bool     `json:"stack,omitempty"`
	Series []Series `json:"series"`
	Lines  []Line   `json:"lines,omitempty"`
	Areas  []Line   `json:"areas,omitempty"`
	Spans  []Span   `json:"spans,omitempty"`
	// Cut marks values above the upper edge with a triangle.
	Cut bool `json:"cut,omitempty"`
}

// Series are values at each x of the plot; nil where there is none. Draw is
// steps, area (steps with a light fill), block (steps with a full one), line,
// points or bars.
type Series struct {
	Name   string     `json:"name"`
	Role   string     `json:"role"`
	Draw   string     `json:"draw"`
	Shape  string     `json:"shape,omitempty"`  // of points
	Hollow []bool     `json:"hollow,omitempty"` // of points, at each x
	Y      []*float64 `json:"y"`
}

// A Line is a polyline in the coordinates of its panel; as an area it is
// closed and filled.
type Line struct {
	X     []float64 `json:"x"`
	Y     []float64 `json:"y"`
	Role  string    `json:"role"`
	Dash  bool      `json:"dash,omitempty"`
	Label string    `json:"label,omitempty"` // above its right end
}

// A Span is a stretch of the x axis that is shaded.
type Span struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Label string  `json:"label"`
}

// dataEscapes writes an SVG as a data URL inside double quotes with as few
// escapes as it takes: base64 would be a third longer. Line breaks would be
// dropped by the reader, so they become blanks.
var dataEscapes = strings.NewReplacer("%", "%25", "#", "%23", `"`, "%22", "&", "%26", "\n", " ", "\t", "")

// Source is the attribute that holds the still picture. A picture inside an
// img element can neither run nor load anything.
func (c *Chart) Source() template.HTMLAttr {
	return template.HTMLAttr(`src="data:image/svg+xml,` + dataEscapes.Replace(string(c.Still)) + `"`)
}

// keyPath is the outline of a sample in a legend, in a box of 16 × 16.
func keyPath(form string) string {
	switch form {
	case "line", "dash":
		return "M0 8H16"
	case "block":
		return "M1 3H15V13H1Z"
	case "square":
		return "M3.5 3.5H12.5V12.5H3.5Z"
	case "triangle":
		return "M8 2.5L13.5 12.5H2.5Z"
	case "wedge":
		return "M8 13.5L13.5 3.5H2.5Z"
	case "diamond":
		return "M8 2L14 8L8 14L2 8Z"
	case "cross":
		return "M4 4L12 12M4 12L12 4"
	case "plus":
		return "M8 2V14M2 8H14"
	}
	return "M8 3A5 5 0 1 0 8 13A5 5 0 1 0 8 3Z" // circle
}
