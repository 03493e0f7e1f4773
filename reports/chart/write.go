package chart

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
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
	sheet := draw.NewCanvas(c, Width, Height)
	sheet.FillPolygon(Paper, corners(sheet.Rectangle))
	f.Draw(sheet)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	_, err := w.Write(bytes.ReplaceAll(b.Bytes(), []byte(fontFamily), []byte(fontFamilies)))
	return err
}

// PNG writes the figure as PNG at [DPI] dots per inch. Most of what a report
// costs is this, so the picture is made small before it is compressed.
func (f *Figure) PNG(w io.Writer) error {
	c := vgimg.NewWith(vgimg.UseWH(Width, Height), vgimg.UseDPI(DPI), vgimg.UseBackgroundColor(Paper))
	f.Draw(draw.NewCanvas(c, Width, Height))
	img, ok := c.Image().(*image.RGBA)
	if !ok {
		return fmt.Errorf("png: the canvas is a %T, want RGBA", c.Image())
	}
	return (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(w, withPalette(img))
}
