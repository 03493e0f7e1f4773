package chart

import (
	"image"
	"image/color"
	"testing"
)

// Up to 256 colours nothing changes; beyond, the rarest become a neighbour
// that is hardly another colour.
func TestWithPalette(t *testing.T) {
	blend := func(k int) color.RGBA { return color.RGBA{uint8(k), uint8(k >> 8 * 16), 255 - uint8(k), 255} }
	for _, test := range []struct {
		name   string
		colors int
		within int // of each channel
	}{{"few", 7, 0}, {"as many as fit", 256, 0}, {"more than fit", 1000, 4}} {
		t.Run(test.name, func(t *testing.T) {
			img := image.NewRGBA(image.Rect(0, 0, test.colors, 3))
			for x := range test.colors { // every fourth colour is frequent
				img.SetRGBA(x, 0, blend(x))
				img.SetRGBA(x, 1, blend(x-x%4))
				img.SetRGBA(x, 2, blend(x-x%4))
			}
			got := withPalette(img)
			if len(got.Palette) > mostColors || got.Rect != img.Rect {
				t.Errorf("%d colours in %v", len(got.Palette), got.Rect)
			}
			for x := range test.colors {
				want, is := img.RGBAAt(x, 0), color.RGBAModel.Convert(got.At(x, 0)).(color.RGBA)
				for _, d := range []int{int(want.R) - int(is.R), int(want.G) - int(is.G), int(want.B) - int(is.B)} {
					if d < -test.within || d > test.within {
						t.Fatalf("pixel %d is %v, was %v", x, is, want)
					}
				}
			}
		})
	}
}
