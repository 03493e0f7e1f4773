// Package page writes a report as one HTML file that needs nothing else: no
// network, no server, no second file. It works from disk and in print, in the
// dark and in the light, with a keyboard and with a screen reader.
//
// A [Page] says what is on it, in the order in which it is read; this package
// says how it looks. All text is escaped, whatever it holds. The style sheet
// and the scripts are part of the file, and a Content-Security-Policy in its
// head admits exactly these, by their hashes: markup that came in with a model
// name or a server's message could not run even if it got through.
//
// A [Chart] is drawn twice. The still picture is there from the start, for
// print and where scripts are off. Where they are on, uPlot (MIT, see uplot/)
// draws the same figures on a canvas that can be hovered, zoomed and walked
// through with the arrow keys. The table below it says the same in words.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
)

// A Page is everything that a reader gets to see. Empty parts are left out.
type Page struct {
	Eyebrow  string // the kind of report, above the title
	Title    string
	Facts    []Fact   // what was probed
	Badges   []Badge  // the state of the run, one word each
	Figures  []Figure // the verdict in numbers
	Lead     []string // the verdict in sentences
	Sections []Section
	Footer   string
}

// A Fact is a name with its value.
type Fact struct{ Name, Value string }

// A Tone is what a badge means; it has words for it too, never colour alone.
type Tone string

// The tones.
const (
	Good Tone = "good"
	Bad  Tone = "bad"
	Note Tone = "note"
)

// A Badge is a short remark. Section, when set, is the section that it leads to.
type Badge struct {
	Text    string
	Tone    Tone
	Section string
}

// A Figure is one number or name of the verdict, large.
type Figure struct {
	Name   string   // what is counted
	Value  string   // the number
	Detail []string // its interval, what binds
	Text   bool     // the value is a name, which may be long
}

// A Section has a place of its own in the table of contents. ID is a name of
// letters and hyphens, unique on the page.
type Section struct {
	ID, Title string
	Blocks    []Block
}

// A Block is one thing in a section: whichever of its fields is set.
type Block struct {
	Text  string
	List  []string
	Table *Table
	Cards []Card
	Chart *Chart
	Code  string
}

// A Card is one finding with all that belongs to it.
type Card struct {
	Title string
	Badge *Badge
	Value string
	Facts []Fact
	Text  []string
	Chart *Chart
}

// A Table is text in rows. The first column names the row.
type Table struct {
	Caption string // for those who cannot see the heading above it
	Columns []Column
	Rows    [][]string
	Notes   []string
}

// A Column is a column's head and where its text lies.
type Column struct {
	Head  string
	Right bool
}

//go:embed page.html.tmpl page.css draw.js page.js uplot
var assets embed.FS

// script and style are the whole of what the page may run and be styled by.
var (
	script = "/* uPlot " + uplotVersion + ", https://github.com/leeoniya/uPlot\n\n" + asset("uplot/LICENSE") + "*/\n" +
		asset("uplot/uPlot.iife.min.js") + "\n(() => {\n\"use strict\";\n" + asset("draw.js") + "\n" + asset("page.js") + "\n})();"
	style  = asset("uplot/uPlot.min.css") + "\n" + asset("page.css")
	policy = fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'",
		hash(script), hash(style))
	layout = template.Must(template.New("page.html.tmpl").Funcs(template.FuncMap{
		"keyPath": keyPath,
		"parts":   func(s string) []string { return strings.SplitAfter(s, "+") }, // a line may break behind a plus
	}).ParseFS(assets, "page.html.tmpl"))
)

// uplotVersion is the release that uplot/ holds, as published on npm.
const uplotVersion = "1.6.32"

// asset reads an embedded file. The build fails without it, so it is there.
func asset(name string) string {
	b, err := assets.ReadFile(name)
	if err != nil {
		panic(err) // the embed directive above names it
	}
	return strings.TrimSpace(string(b))
}

// hash is the name of an inline script or style sheet in a policy.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Write writes the page. Equal pages give equal bytes. Nothing is written when
// it cannot be rendered.
func (p *Page) Write(w io.Writer) error {
	var b bytes.Buffer
	err := layout.Execute(&b, struct {
		*Page
		Policy string
		Style  template.CSS
		Script template.JS
	}{p, policy, template.CSS(style), template.JS(script)})
	if err != nil {
		return fmt.Errorf("html page: %w", err)
	}
	_, err = b.WriteTo(w)
	return err
}
