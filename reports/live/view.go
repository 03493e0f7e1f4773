package live

import (
	"fmt"
	"math"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/reports"
)

// View draws a snapshot as lines of text, none wider than width columns. With
// color it has escape sequences in the terminal's own 16 colours, so that it
// is readable on any background.
func View(s Snapshot, width int, color bool) string {
	v := view{Snapshot: s, width: width, paint: paint(color)}
	rows := [][]string{{v.head()}}
	for _, r := range []struct {
		name  string
		lines []string
	}{
		{"now", v.now()}, {"rate", v.rate()}, {"answers", v.answers()}, {"limits", v.limits()}, {"used", v.used()},
	} {
		rows = append(rows, v.row(r.name, r.lines))
	}
	var lines []string
	for _, r := range rows {
		for _, line := range r {
			lines = append(lines, ansi.Truncate(line, width, "…"))
		}
	}
	return strings.Join(lines, "\n")
}

type view struct {
	Snapshot
	width int
	paint paint
}

// labelWidth is the room for the names of the rows.
const labelWidth = 9

// row puts a name in front of the first of some lines.
func (v *view) row(name string, lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		label := strings.Repeat(" ", labelWidth)
		if i == 0 {
			label = v.paint.faint(name) + strings.Repeat(" ", labelWidth-len(name))
		}
		out[i] = label + line
	}
	return out
}

// head names the run and says how far it is.
func (v *view) head() string {
	name := reports.Line(v.Target)
	if s := reports.Line(v.Scenario); s != name {
		name = s + ": " + name
	}
	at := fmt.Sprintf("stage %d, %s", v.Stage.Number, reports.Clock(v.Now.Seconds()))
	if v.Speed != 1 {
		at += fmt.Sprintf(" on a clock %s times as fast", reports.Number(v.Speed))
	}
	return v.paint.bold(name) + "  " + v.paint.faint(at)
}

// now says what is being tried and why, and how far that is.
func (v *view) now() []string {
	if !v.Running {
		return []string{"thinking about what to ask next", ""}
	}
	what := reports.Line(v.Stage.Why)
	if d := v.Stage.Dimension; d != "" {
		what = string(d) + ": " + what
	}
	state := fmt.Sprintf("%s of %s sent", reports.Number(float64(v.Sent)), reports.Number(float64(v.Stage.Hits)))
	switch {
	case v.Sent == 0 && v.Silence > 0:
		state = fmt.Sprintf("silent for another %s, so that limits forget", reports.Clock(math.Ceil(v.Silence.Seconds())))
	case v.InFlight > 0:
		state += fmt.Sprintf(", %d in flight", v.InFlight)
	}
	if kinds := v.kinds(v.InStage); kinds != "" {
		state += ": " + kinds
	}
	return []string{v.paint.bold(what), state}
}

// kinds lists how often which outcome came.
func (v *view) kinds(counts map[exchange.Outcome]int64) string {
	var parts []string
	for _, o := range exchange.Outcomes {
		if n := counts[o]; n > 0 {
			text := strings.ReplaceAll(string(o), "_", " ") + " " + reports.Number(float64(n))
			parts = append(parts, v.paint.outcome(o, text))
		}
	}
	return strings.Join(parts, ", ")
}

// rate shows what is offered and what is accepted, and both over time.
func (v *view) rate() []string {
	top := 0.0
	for _, r := range v.Course {
		top = math.Max(top, r.Offered)
	}
	line := func(name string, now float64, of func(Rate) float64, hue func(string) string) string {
		text := fmt.Sprintf("%-8s %9s per min  ", name, reports.Number(now))
		room := min(v.width-labelWidth-len(text), len(v.Course))
		if room < 10 {
			return text
		}
		var bars strings.Builder
		for _, r := range v.Course[len(v.Course)-room:] {
			bars.WriteRune(bar(of(r), top))
		}
		return text + hue(bars.String())
	}
	return []string{
		line("offered", v.Offered, func(r Rate) float64 { return r.Offered }, v.paint.faint),
		line("accepted", v.Accepted, func(r Rate) float64 { return r.Accepted }, v.paint.good),
	}
}

// bar is a column of the height that x has beside top.
func bar(x, top float64) rune {
	levels := []rune(" ▁▂▃▄▅▆▇█")
	if !(top > 0) || !(x > 0) {
		return levels[0]
	}
	return levels[1+min(int(x/top*8), 7)]
}

// answers counts all answers by type.
func (v *view) answers() []string {
	if all := v.kinds(v.Total); all != "" {
		return []string{all}
	}
	return []string{v.paint.faint("none yet")}
}

// limits shows each limit as far as it is narrowed down.
func (v *view) limits() []string {
	if len(v.Known) == 0 {
		return []string{v.paint.faint("none seen yet")}
	}
	lines := make([]string, len(v.Known))
	for i, k := range v.Known {
		lines[i] = v.limit(k)
	}
	return lines
}

func (v *view) limit(k search.Known) string {
	low, high := reports.Number(60*k.Low), reports.Number(60*k.High)
	between := low + " – " + high
	if low == high {
		between = "about " + low
	}
	text := fmt.Sprintf("%-8s %9s per %-7s %s a min ", k.Dimension, reports.Number(k.Amount), reports.Seconds(k.Window.Seconds()), between)
	width := k.Width()
	text += gauge(narrowed(width, v.Precision)) + " " + reports.Number(100*width) + " % wide"
	if width <= v.Precision {
		text = v.paint.good(text)
	}
	text += ", " + strings.ReplaceAll(string(k.Algorithm), "_", " ")
	switch k.Rivals {
	case 0:
	case 1:
		text += " or 1 other"
	default:
		text += fmt.Sprintf(" or %d others", k.Rivals)
	}
	return text
}

// narrowed is how much of the way an interval has come from as wide as its
// middle to as narrow as asked, on a logarithmic scale, from 0 to 1.
func narrowed(width, precision float64) float64 {
	if width <= precision || !(precision > 0) {
		return 1
	}
	return math.Max(0, math.Log(width)/math.Log(precision))
}

// gauge is a bar of ten columns that is full at 1.
func gauge(share float64) string {
	n := min(10, max(0, int(share*10+0.5)))
	return strings.Repeat("█", n) + strings.Repeat("░", 10-n)
}
