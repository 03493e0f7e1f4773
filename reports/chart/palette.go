package chart

import (
	"cmp"
	"encoding/binary"
	"image"
	"image/color"
	"maps"
	"slices"
)

// mostColors is how many colours a PNG with a palette may have.
const mostColors = 256

// A pixel is the four bytes of an opaque colour in an [image.RGBA].
type pixel uint32

func pixelAt(img *image.RGBA, i int) pixel { return pixel(binary.LittleEndian.Uint32(img.Pix[4*i:])) }

func (p pixel) color() color.RGBA {
	return color.RGBA{uint8(p), uint8(p >> 8), uint8(p >> 16), uint8(p >> 24)}
}

// distance is how far two colours lie apart: the square of it, in RGB.
func (p pixel) distance(q pixel) int {
	sum := 0
	for shift := 0; shift < 24; shift += 8 {
		d := int(uint8(p>>shift)) - int(uint8(q>>shift))
		sum += d * d
	}
	return sum
}

// withPalette returns a figure's picture with a byte a pixel instead of four,
// which costs a tenth to compress. A figure has a handful of colours and, at
// the edges of its strokes, their blends: the 256 most frequent cover all but
// a hundredth of it, and the others become the nearest of those, a difference
// that no eye sees. A picture with less than 256 colours stays what it was.
func withPalette(img *image.RGBA) *image.Paletted {
	size := img.Rect.Dx() * img.Rect.Dy()
	counts := make(map[pixel]int)
	for i := 0; i < size; {
		p, from := pixelAt(img, i), i
		for i++; i < size && pixelAt(img, i) == p; i++ {
		}
		counts[p] += i - from
	}
	index, palette := indexColors(counts)
	out := image.NewPaletted(img.Rect, palette)
	for i := 0; i < size; {
		p := pixelAt(img, i)
		at := index[p]
		out.Pix[i] = at
		for i++; i < size && pixelAt(img, i) == p; i++ {
			out.Pix[i] = at
		}
	}
	return out
}

// indexColors makes a palette of the most frequent colours and returns where
// in it each colour is.
func indexColors(counts map[pixel]int) (map[pixel]uint8, color.Palette) {
	byCount := slices.SortedFunc(maps.Keys(counts), func(a, b pixel) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	kept := byCount[:min(len(byCount), mostColors)]
	index := make(map[pixel]uint8, len(byCount))
	palette := make(color.Palette, len(kept))
	for i, p := range kept {
		index[p], palette[i] = uint8(i), p.color()
	}
	for _, p := range byCount[len(kept):] {
		nearest := 0
		for i, q := range kept {
			if p.distance(q) < p.distance(kept[nearest]) {
				nearest = i
			}
		}
		index[p] = uint8(nearest)
	}
	return index, palette
}
