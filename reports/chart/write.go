package chart

import (
	"bytes"
	"io"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// DPI is the resolution of PNG files: twice that of a usual screen, 1728 ×
// 1037 pixels in all.
const DPI = 192

// fontFamily is what gonum/plot writes into an SVG, and fontFamilies what
// stands there instead: fonts of the same widths first, then any sans-serif.
const (
	fontFamily   = "font-family:Liberation Sans;"
	fontFamilies = "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"
)

// SVG writes the figure as SVG. Fonts are named, not embedded: a figure has
// about 20 kB instead of half a megabyte.
func (f *Figure) SVG(w io.Writer) error {
	c := vgsvg.New(Width, Height)
	f.Draw(draw.NewCanvas(c, Width, Height))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	_, err := w.Write(bytes.ReplaceAll(b.Bytes(), []byte(fontFamily), []byte(fontFamilies)))
	return err
}

// PNG writes the figure as PNG at [DPI] dots per inch.
func (f *Figure) PNG(w io.Writer) error {
	c := vgimg.NewWith(vgimg.UseWH(Width, Height), vgimg.UseDPI(DPI))
	f.Draw(draw.NewCanvas(c, Width, Height))
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}
