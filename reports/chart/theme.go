package chart

import (
	"image/color"

	"golang.org/x/image/font"
	"gonum.org/v1/plot"
	plotfont "gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The palette. Data colours are those of Okabe and Ito ("Color Universal
// Design", 2008), which people with any of the common colour-vision
// deficiencies can tell apart; the greys are for what is not data.
var (
	Blue       = color.NRGBA{0x00, 0x72, 0xB2, 0xFF}
	Vermillion = color.NRGBA{0xD5, 0x5E, 0x00, 0xFF}
	Orange     = color.NRGBA{0xE6, 0x9F, 0x00, 0xFF}
	Purple     = color.NRGBA{0xCC, 0x79, 0xA7, 0xFF}
	Green      = color.NRGBA{0x00, 0x9E, 0x73, 0xFF}
	Sky        = color.NRGBA{0x56, 0xB4, 0xE9, 0xFF}

	Ink   = color.NRGBA{0x1B, 0x24, 0x30, 0xFF} // titles, lines that matter
	Slate = color.NRGBA{0x5B, 0x67, 0x77, 0xFF} // axis text, subtitles
	Mist  = color.NRGBA{0x9A, 0xA5, 0xB4, 0xFF} // context, as the offered rate
	Rim   = color.NRGBA{0xC3, 0xCA, 0xD3, 0xFF} // the x axis and its ticks
	Grid  = color.NRGBA{0xE4, 0xE8, 0xEC, 0xFF}
	Band  = color.NRGBA{0xEE, 0xF1, 0xF5, 0xFF} // background stripes
	Paper = color.NRGBA{0xFF, 0xFF, 0xFF, 0xFF}
)

// Fade returns c with the given opacity, 0 to 1. Use it for areas only: SVG
// text would come out opaque.
func Fade(c color.NRGBA, opacity float64) color.NRGBA {
	c.A = uint8(opacity*255 + 0.5)
	return c
}

// sans is the typeface of all text: Liberation Sans, which gonum/plot links
// in anyway and which has the metrics of Arial, so that an SVG looks the same
// where only Arial or Helvetica is installed.
var sans = plotfont.Font{Typeface: "Liberation", Variant: "Sans"}

// style returns a text style: size in points, bold or not, and how the text
// lies to the point it is drawn at.
func style(size float64, bold bool, c color.Color, x text.XAlignment, y text.YAlignment) text.Style {
	f := plotfont.From(sans, vg.Points(size))
	if bold {
		f.Weight = font.WeightBold
	}
	return text.Style{Color: c, Font: f, XAlign: x, YAlign: y, Handler: plot.DefaultTextHandler}
}

// The text styles of a figure.
func titleStyle() text.Style    { return style(16, true, Ink, draw.XLeft, draw.YTop) }
func subtitleStyle() text.Style { return style(10.5, false, Slate, draw.XLeft, draw.YTop) }
func legendStyle() text.Style   { return style(10, false, Ink, draw.XLeft, draw.YCenter) }
func xTickStyle() text.Style    { return style(9, false, Slate, draw.XCenter, draw.YTop) }
func yTickStyle() text.Style    { return style(9, false, Slate, draw.XRight, draw.YCenter) }
func axisStyle() text.Style     { return style(9, false, Slate, draw.XCenter, draw.YTop) }

// Stroke is a solid line of the given width in points.
func Stroke(c color.Color, width float64) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: vg.Points(width)}
}

// Dashed is a dashed line of the given width in points.
func Dashed(c color.Color, width float64) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: vg.Points(width), Dashes: []vg.Length{vg.Points(5), vg.Points(3)}}
}

// clip shortens s with an ellipsis until it is no wider than width.
func clip(s string, sty text.Style, width vg.Length) string {
	if sty.Width(s) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && sty.Width(string(runes)+"…") > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// fold breaks s at a blank into at most two lines of the given width.
func fold(s string, sty text.Style, width vg.Length) []string {
	if sty.Width(s) <= width {
		return []string{s}
	}
	cut := 0
	for i, r := range s {
		if r == ' ' && sty.Width(s[:i]) <= width {
			cut = i
		}
	}
	if cut == 0 {
		return []string{clip(s, sty, width)}
	}
	return []string{s[:cut], clip(s[cut+1:], sty, width)}
}
