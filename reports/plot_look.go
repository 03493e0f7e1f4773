package reports

import (
	"image/color"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/reports/chart"
)

// looks gives each outcome its colour and its shape, the same in every plot.
// Colour alone never tells two of them apart where they are points.
var looks = []struct {
	outcome exchange.Outcome
	name    string
	color   color.NRGBA
	shape   chart.Shape
}{
	{exchange.RequestRate, "request rate", chart.Vermillion, chart.Square},
	{exchange.TokenRate, "token rate", chart.Orange, chart.Triangle},
	{exchange.Burst, "burst", chart.Purple, chart.Diamond},
	{exchange.FreeQuota, "free quota", chart.Green, chart.Wedge},
}

// What has no entry in looks.
var (
	acceptedColor = chart.Blue
	offeredColor  = chart.Mist
	otherColor    = color.NRGBA{0x4A, 0x4F, 0x5C, 0xFF}
)

const otherName = "other failure"

// shortSubject is the subject, cut in its middle when a title would have no
// room left for its claim.
func shortSubject(d *analysis.Document) string {
	const most = 26
	r := []rune(subject(d))
	if len(r) <= most {
		return string(r)
	}
	return string(r[:most/2]) + "…" + string(r[len(r)-most/2+1:])
}

// rpmText is a rate with its unit, for the side of a plot.
func rpmText(x float64) string { return number(x) + " RPM" }

// effectiveSide is the label beside the line of the effective limit.
func effectiveSide(d *analysis.Document) []chart.SideLabel {
	v := d.Effective.RPM.Value
	if v == nil {
		return nil
	}
	return []chart.SideLabel{{Y: *v, Lines: []string{rpmText(*v), "effective"}, Color: chart.Ink}}
}
