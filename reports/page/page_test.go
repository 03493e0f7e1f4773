package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"image/color"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"probe/reports/chart"
)

// hostile would run, load or break out in one of the places where text stands.
const hostile = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"' onload="alert(3) --> ]]> {{.}} javascript:alert(4) %0a &lt;`

// everywhere is a page with the same text wherever there is room for one.
func everywhere(s string) *Page {
	t := &Table{Caption: s, Columns: []Column{{Head: s}, {Head: s, Right: true}}, Rows: [][]string{{s, s}}, Notes: []string{s}}
	y := 1.0
	c := &Chart{
		ID: "c", Title: s, Caption: s, Legend: []Key{{Name: s, Role: "accepted", Form: "line"}},
		Still: []byte(`<svg xmlns="http://www.w3.org/2000/svg"><text>` + html.EscapeString(s) + `</text></svg>`), Table: t,
		Plot: &Plot{X: []float64{1}, XLabel: s, XKind: "label", Names: []string{s}, Labels: []string{s}, Panels: []Panel{{
			YLabel: s, Unit: s, Series: []Series{{Name: s, Role: "accepted", Draw: "bars", Y: []*float64{&y, nil}}},
			Lines: []Line{{Label: s}}, Spans: []Span{{Label: s}},
		}}},
	}
	return &Page{
		Eyebrow: s, Title: s, Facts: []Fact{{s, s}}, Badges: []Badge{{Text: s}, {Text: s, Tone: Bad, Section: "a"}},
		Figures: []Figure{{Name: s, Value: s, Detail: []string{s}}, {Name: s, Value: s + "+" + s, Text: true}}, Lead: []string{s}, Footer: s,
		Sections: []Section{{ID: "a", Title: s, Blocks: []Block{
			{Text: s}, {List: []string{s}}, {Table: t}, {Chart: c}, {Code: s},
			{Cards: []Card{{Title: s, Badge: &Badge{Text: s}, Value: s, Facts: []Fact{{s, s}}, Text: []string{s}}}},
		}}},
	}
}

func written(t *testing.T, p *Page) string {
	t.Helper()
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var tags = regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)

// Text with markup changes the text of a page and none of its elements.
func TestTextIsEscapedEverywhere(t *testing.T) {
	cut := func(s string) string {
		return strings.NewReplacer(script, "", style, "").Replace(s)
	}
	plain, bad := cut(written(t, everywhere("plain"))), cut(written(t, everywhere(hostile)))
	name := regexp.MustCompile(`="[^"]*"`)
	shape := func(s string) []string {
		return tags.FindAllString(name.ReplaceAllString(s, ""), -1)
	}
	want, got := shape(plain), shape(bad)
	if len(want) != len(got) {
		t.Fatalf("%d tags with plain text, %d with hostile text", len(want), len(got))
	}
	for i := range want {
		if want[i] != got[i] {
			t.Errorf("tag %d: %s became %s", i, want[i], got[i])
		}
	}
	for _, s := range []string{"<script>alert", "<img src=x", "onload=\"alert"} {
		if strings.Contains(bad, s) {
			t.Errorf("the page has %q", s)
		}
	}
}

// What the script reads is the plot that was given, whatever its names hold.
func TestPlotIsReadBack(t *testing.T) {
	p := everywhere(hostile)
	page := written(t, p)
	_, rest, found := strings.Cut(page, `<script type="application/json" id="plot-c">`)
	data, _, _ := strings.Cut(rest, "</script>")
	var got Plot
	if err := json.Unmarshal([]byte(data), &got); err != nil || !found {
		t.Fatalf("%v in %s", err, data)
	}
	want := p.Sections[0].Blocks[3].Chart.Plot
	if got.Names[0] != want.Names[0] || got.Panels[0].Series[0].Y[1] != nil || *got.Panels[0].Series[0].Y[0] != 1 {
		t.Errorf("got %+v", got)
	}
}

// The policy admits what the page has, by its hash, and nothing else.
func TestPolicy(t *testing.T) {
	page := written(t, everywhere("plain"))
	between := func(from, to string) string {
		_, rest, _ := strings.Cut(page, from)
		s, _, _ := strings.Cut(rest, to)
		return s
	}
	policy := html.UnescapeString(between(`http-equiv="Content-Security-Policy" content="`, `"`))
	for _, want := range []string{
		"default-src 'none'",
		"script-src '" + hash(between("<script>", "</script>")) + "'",
		"style-src '" + hash(between("<style>", "</style>")) + "'",
	} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %q", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("the policy %q admits too much", policy)
	}
}

// An asset that ends its own element early would spill onto the page.
func TestAssetsStayInTheirElements(t *testing.T) {
	for _, s := range []string{"</script", "<!--"} {
		if strings.Contains(strings.ToLower(script), s) {
			t.Errorf("the script has %q", s)
		}
	}
	if strings.Contains(strings.ToLower(style), "</style") || strings.Contains(style, "url(") || strings.Contains(style, "@import") {
		t.Error("the style sheet ends itself or loads something")
	}
	for _, s := range []string{"MIT License", "Copyright (c) 2022 Leon Sorokin", "v" + uplotVersion} {
		if !strings.Contains(script, s) {
			t.Errorf("the page lacks %q of uPlot's license and name", s)
		}
	}
}

// variables reads the custom properties of a block of the style sheet.
func variables(block string) map[string]string {
	vars := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(block, -1) {
		vars[m[1]] = m[2]
	}
	return vars
}

// schemes are the colours in the light and in the dark.
func schemes(t *testing.T) (light, dark map[string]string) {
	t.Helper()
	css := asset("page.css")
	_, rest, ok1 := strings.Cut(css, ":root {")
	first, rest, ok2 := strings.Cut(rest, "}")
	_, rest, ok3 := strings.Cut(rest, ":root {")
	second, _, ok4 := strings.Cut(rest, "}")
	if !ok1 || !ok2 || !ok3 || !ok4 {
		t.Fatal("page.css does not begin with its two sets of colours")
	}
	light, dark = variables(first), variables(first)
	for name, v := range variables(second) {
		dark[name] = v
	}
	return light, dark
}

// The page and the plots are of one palette.
func TestPaletteIsThatOfThePlots(t *testing.T) {
	light, _ := schemes(t)
	for name, c := range map[string]color.NRGBA{
		"accepted": chart.Blue, "offered": chart.Mist, "request-rate": chart.Vermillion, "token-rate": chart.Orange,
		"burst": chart.Purple, "free-quota": chart.Green, "limit": chart.Ink, "grid": chart.Grid, "ink": chart.Ink,
	} {
		if want := fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B); light[name] != want {
			t.Errorf("--%s is %s, in the plots it is %s", name, light[name], want)
		}
	}
}

// contrast is the ratio of WCAG 2.2 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
func contrast(a, b string) float64 {
	luminance := func(hex string) float64 {
		var l float64
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
			if err != nil {
				return math.NaN()
			}
			c := float64(n) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			l += weight * c
		}
		return l
	}
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// Text has the contrast that WCAG asks for (AA: 4.5), in both schemes.
func TestContrast(t *testing.T) {
	light, dark := schemes(t)
	for scheme, vars := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, pair := range [][2]string{
			{"ink", "ground"}, {"ink", "paper"}, {"slate", "ground"}, {"slate", "paper"}, {"slate", "soft"}, {"link", "paper"},
			{"good", "good-ground"}, {"bad", "bad-ground"}, {"limit", "paper"},
		} {
			if got := contrast(vars[pair[0]], vars[pair[1]]); !(got >= 4.5) {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want 4.5", scheme, pair[0], pair[1], got)
			}
		}
	}
}

type failing struct{}

var errFull = errors.New("disk full")

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestWriteFails(t *testing.T) {
	if err := (&Page{Title: "x"}).Write(failing{}); !errors.Is(err, errFull) {
		t.Errorf("got %v, want that of the writer", err)
	}
	if err := (&Page{Sections: []Section{{Blocks: []Block{{Table: &Table{Rows: [][]string{{"no column"}}}}}}}}).Write(io.Discard); err == nil {
		t.Error("a row with more cells than columns gave no error")
	}
}

func TestEveryFormHasAnOutline(t *testing.T) {
	seen := map[string]string{}
	for _, form := range []string{"line", "block", "circle", "square", "triangle", "diamond", "wedge", "cross", "plus"} {
		if other, ok := seen[keyPath(form)]; ok {
			t.Errorf("%s looks like %s", form, other)
		}
		seen[keyPath(form)] = form
	}
}
