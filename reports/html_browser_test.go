package reports

import (
	"encoding/base64"
	"flag"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"probe/analysis/compare"
)

var shots = flag.String("shots", "", "write screenshots and a print of the HTML report into this folder")

// writtenPage writes the sample's page and returns its file URL.
func writtenPage(t *testing.T, r sampleRun, scenario string) string {
	t.Helper()
	return htmlFile(t, func(w io.Writer) error {
		return HTMLPage(w, r.doc, PageData{Series: r.series, Traces: r.traces, Scenario: scenario})
	})
}

// htmlFile writes a page and returns its file URL.
func htmlFile(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := write(f); err != nil {
		t.Fatal(err)
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// The page opens from disk at every width, in both colour schemes and in
// print, without a word on the console, without asking for anything, and
// without scrolling sideways.
func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	file := writtenPage(t, replay(qwenStages), "name: qwen3-max\ntarget:\n  model: qwen3-max\n")
	for _, v := range []struct {
		name          string
		width, height int
		scheme        string
	}{
		{"wide-light", 1440, 900, "light"}, {"wide-dark", 1440, 900, "dark"},
		{"tablet-light", 820, 1100, "light"},
		{"narrow-light", 360, 740, "light"}, {"narrow-dark", 360, 740, "dark"},
	} {
		b.view(v.width, v.height, v.scheme)
		b.open(file)
		checkLayout(t, b, v.name, v.width, 6, 7) // rate has two panels
		b.screenshot(v.name)
	}
	b.print()
	checkQuiet(t, b, file)
}

// The pages of a run with gates and a baseline, of a comparison, and of runs
// side by side open as that of a run does.
func TestOtherPagesInBrowser(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	r := replay(qwenStages)
	side := sampleSide()
	in := sampleComparison()
	for _, p := range []struct {
		name           string
		charts, panels int
		write          func(io.Writer) error
	}{
		{"gates", 6, 7, func(w io.Writer) error {
			return HTMLPage(w, r.doc, PageData{Series: r.series, Traces: r.traces, Gates: judged(t, r.doc), Baseline: &side.Side})
		}},
		{"nothing", 0, 0, func(w io.Writer) error { return HTML(w, nothingFound()) }},
		{"compare", 5, 5, func(w io.Writer) error { return CompareHTML(w, compare.Compare(in), compare.Timelines(in.Cells)) }},
		{"side", 1, 3, func(w io.Writer) error { return SideHTML(w, side) }},
	} {
		file := htmlFile(t, p.write)
		for _, v := range []struct {
			size          string
			width, height int
		}{{"wide", 1440, 900}, {"narrow", 360, 740}} {
			for _, scheme := range []string{"light", "dark"} {
				b.view(v.width, v.height, scheme)
				b.open(file)
				name := p.name + "-" + v.size + "-" + scheme
				checkLayout(t, b, name, v.width, p.charts, p.panels)
				b.screenshot(name)
			}
		}
		checkQuiet(t, b, file)
		b.events = nil
	}
}

// checkQuiet fails when the page said anything on the console, or asked for
// anything but itself.
func checkQuiet(t *testing.T, b *browser, file string) {
	t.Helper()
	for _, c := range b.complaints() {
		t.Error(c)
	}
	for _, r := range b.requests() {
		if r != file && !strings.HasPrefix(r, "data:") {
			t.Errorf("the page asked for %s", r)
		}
	}
}

// checkLayout measures the page as it is drawn.
func checkLayout(t *testing.T, b *browser, name string, width, charts, panels int) {
	t.Helper()
	var got struct {
		Page           float64
		Charts, Canvas int
		Wide           []string
	}
	b.eval(&got, `({
		page: document.documentElement.scrollWidth,
		charts: document.querySelectorAll(".live").length,
		canvas: document.querySelectorAll(".is-live .live canvas").length,
		wide: [...document.querySelectorAll("main *")].filter(e => !e.closest(".scroll, pre, .u-wrap, .skip") && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80)),
	})`)
	if got.Page > float64(width) || len(got.Wide) > 0 {
		t.Errorf("%s: the page is %v pixels wide; beyond the edge: %q", name, got.Page, got.Wide)
	}
	if got.Charts != charts || got.Canvas != panels {
		t.Errorf("%s: %d charts with %d panels were drawn, want %d with %d", name, got.Charts, got.Canvas, charts, panels)
	}
}

// Charts can be read and zoomed by key and by mouse.
func TestChartsByKeyAndMouse(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	b.view(1440, 900, "light")
	b.open(writtenPage(t, replay(qwenStages), ""))
	read := func(id string) (s string) {
		t.Helper()
		b.settle()
		b.eval(&s, `document.querySelector("#chart-`+id+` .readout").innerText`)
		return s
	}
	focus := func(id string) { b.eval(nil, `document.querySelector("#chart-`+id+` .live").focus()`) }
	for _, chart := range []struct{ id, want string }{
		{"fit-1", "0:00 · held 3"}, {"map", "tokens per request"}, {"cost", "1.5720 USD per 1M"}, {"rate", "0:00"},
	} {
		focus(chart.id)
		b.key("ArrowRight")
		if got := read(chart.id); !strings.Contains(got, chart.want) {
			t.Errorf("%s: an arrow key read %q, want it to have %q", chart.id, got, chart.want)
		}
	}
	focus("rate")
	b.key("+")
	if got := read("rate"); !strings.Contains(got, "Whole chart") {
		t.Errorf("plus did not zoom: %q", got)
	}
	b.key("0")
	if got := read("rate"); strings.Contains(got, "Whole chart") {
		t.Errorf("0 did not show the whole chart: %q", got)
	}
	for _, id := range []string{"rate", "map"} {
		var box struct{ Left, Top, Width, Height float64 }
		b.eval(nil, `document.querySelector("#chart-`+id+`").scrollIntoView({block: "center", behavior: "instant"})`)
		b.settle()
		b.eval(&box, `document.querySelector("#chart-`+id+` .u-over").getBoundingClientRect().toJSON()`)
		b.drag(box.Left+box.Width*0.3, box.Top+box.Height*0.2, box.Left+box.Width*0.6, box.Top+box.Height*0.8)
		if got := read(id); !strings.Contains(got, "Whole chart") {
			t.Errorf("%s: dragging did not zoom: %q", id, got)
		}
		b.screenshot("zoom-" + id)
	}
	for _, c := range b.complaints() {
		t.Error(c)
	}
}

// Without scripts every chart is a picture, and nothing of the text is missing.
func TestPageWithoutScripts(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	b.view(820, 1100, "dark")
	b.call(nil, "Emulation.setScriptExecutionDisabled", map[string]any{"value": true})
	b.call(nil, "Page.navigate", map[string]any{"url": writtenPage(t, replay(qwenStages), "")})
	for b.read().Method != "Page.loadEventFired" {
	}
	var got struct{ Stills, Loaded, Live, Sections int }
	b.eval(&got, `({
		stills: document.querySelectorAll(".still").length,
		loaded: [...document.querySelectorAll(".still")].filter(e => e.complete && e.naturalWidth > 0 && e.offsetHeight > 100).length,
		live: [...document.querySelectorAll(".live")].filter(e => e.offsetHeight > 0).length,
		sections: document.querySelectorAll("section").length,
	})`)
	if got.Stills != 6 || got.Loaded != 6 || got.Live != 0 || got.Sections < 10 {
		t.Errorf("got %+v, want six loaded stills, nothing live, all sections", got)
	}
	b.screenshot("no-scripts")
}

// What others wrote neither runs nor breaks the layout, however long it is.
func TestHostilePageInBrowser(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	b.view(360, 740, "light")
	r := replay(qwenStages)
	file := writtenPage(t, hostileRun(r), evil)
	b.open(file)
	checkLayout(t, b, "hostile", 360, 6, 7)
	checkQuiet(t, b, file)
	b.screenshot("hostile")
}

// screenshot writes the whole page as drawn, when asked for.
func (b *browser) screenshot(name string) {
	b.t.Helper()
	if *shots == "" {
		return
	}
	var r struct{ Data string }
	b.call(&r, "Page.captureScreenshot", map[string]any{"captureBeyondViewport": !strings.HasPrefix(name, "zoom")})
	b.save(name+".png", r.Data)
}

// print prints the page to paper, which must not be empty.
func (b *browser) print() {
	b.t.Helper()
	var r struct{ Data string }
	b.call(&r, "Page.printToPDF", map[string]any{"printBackground": false, "paperWidth": 8.27, "paperHeight": 11.69})
	if len(r.Data) < 20_000 {
		b.t.Errorf("the print has %d bytes", len(r.Data))
	}
	if *shots != "" {
		b.save("print.pdf", r.Data)
	}
}

func (b *browser) save(name, data string) {
	b.t.Helper()
	raw, err := base64.StdEncoding.DecodeString(data)
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, name), raw, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
