package webp

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	xwebp "golang.org/x/image/webp"
)

// drawn is a picture with even parts, edges and fine detail.
func drawn(width, height int) *image.RGBA {
	img, noise := image.NewRGBA(image.Rect(0, 0, width, height)), rand.New(rand.NewPCG(1, 2))
	for y := range height {
		for x := range width {
			v := 128 + 90*math.Sin(float64(x)/37)*math.Cos(float64(y)/51) + float64(noise.IntN(9))
			c := color.RGBA{R: uint8(v), G: uint8(min(255, v/2+float64(y*80/height))), B: uint8(x * 255 / width), A: 255}
			if (x/64+y/48)%5 == 0 {
				c = color.RGBA{R: 250, G: uint8(x % 97), B: 20, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// likeness is how close the luma of a picture is to its file's, in decibels.
func likeness(t *testing.T, img *image.RGBA, file []byte) float64 {
	t.Helper()
	read, err := xwebp.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	got := read.(*image.YCbCr)
	size := img.Bounds().Size()
	if got.Bounds().Size() != size {
		t.Fatalf("%v of %v", got.Bounds(), size)
	}
	want, _, _ := split(img, (size.X+15)/16, (size.Y+15)/16)
	sum := 0.0
	for y := range size.Y {
		for x := range size.X {
			d := float64(want.pix[want.at(x, y)]) - float64(got.Y[y*got.YStride+x])
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255/(sum/float64(size.X*size.Y)))
}

// noise is a picture in which no pixel can be predicted from its neighbors.
func noise(width, height int) *image.RGBA {
	img, random := image.NewRGBA(image.Rect(0, 0, width, height)), rand.New(rand.NewPCG(3, 4))
	for i := range img.Pix {
		img.Pix[i] = uint8(random.IntN(2) * 255)
	}
	return img
}

// Another reader decodes the picture from a file, whatever its size, and the closer to it the
// higher the quality.
func TestEncodedPictureIsLikeItsSource(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{1, 1}, {2, 1}, {15, 16}, {16, 16}, {17, 33}, {100, 1}, {1, 300}, {401, 299}} {
		for name, draw := range map[string]func(int, int) *image.RGBA{"drawn": drawn, "noise": noise} {
			t.Run(fmt.Sprint(size, name), func(t *testing.T) {
				t.Parallel()
				img, length, like := draw(size.X, size.Y), 0, 0.0
				for _, quality := range []int{-1, 40, 80, 101} {
					file, err := Encode(img, quality)
					if err != nil {
						t.Fatal(err)
					}
					l := likeness(t, img, file)
					if size.X*size.Y > 1000 && (len(file) <= length || l <= like) {
						t.Errorf("quality %d: %d bytes after %d, %.1f dB after %.1f", quality, len(file), length, l, like)
					}
					length, like = len(file), l
				}
				if like < 47 {
					t.Errorf("%.1f dB in the best quality", like)
				}
			})
		}
	}
}

// A reader decodes exactly the pixels that the writer predicted from: otherwise a picture would
// drift away from its source block by block. Smoothing comes after that, so it is left out here.
func TestReadersDecodeThePredictedPixels(t *testing.T) {
	t.Parallel()
	for _, quality := range []int{0, 30, 60, 80, 95, 100} {
		for name, img := range map[string]*image.RGBA{"drawn": drawn(211, 157), "noise": noise(97, 130)} {
			f := newFrame(img, quantizer(quality))
			f.filter = 0
			for y := range f.rows {
				f.codeRow(y)
			}

			file, err := f.file(img.Bounds().Size())
			if err != nil {
				t.Fatal(err)
			}
			read, err := xwebp.Decode(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}

			got := read.(*image.YCbCr)
			for i, plane := range [][]uint8{got.Y, got.Cb, got.Cr} {
				scale, stride := 1, got.YStride
				if i > 0 {
					scale, stride = 2, got.CStride
				}
				for y := range img.Bounds().Dy() / scale {
					for x := range img.Bounds().Dx() / scale {
						if want := f.made[i].pix[f.made[i].at(x, y)]; plane[y*stride+x] != want {
							t.Fatalf("%s, quality %d, plane %d: %d at %d, %d; want %d", name, quality, i, plane[y*stride+x], x, y, want)
						}
					}
				}
			}
		}
	}
}

// At the quality for products a file is smaller than a JPEG that is as good.
func TestWebPIsSmallerThanJPEG(t *testing.T) {
	t.Parallel()
	img := drawn(800, 600)
	file, err := Encode(img, 80)
	if err != nil {
		t.Fatal(err)
	}
	var other bytes.Buffer
	if err := jpeg.Encode(&other, img, &jpeg.Options{Quality: 82}); err != nil {
		t.Fatal(err)
	}
	if like := likeness(t, img, file); len(file) > other.Len()*3/4 || like < 40 {
		t.Errorf("%d bytes, %.1f dB; as JPEG %d bytes", len(file), like, other.Len())
	}
}

// Pictures without a side, and larger ones than the format permits, are refused.
func TestEncodeRefusesInvalidSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{0, 0}, {MostSide + 1, 1}, {1, MostSide + 1}} {
		if _, err := Encode(image.NewRGBA(image.Rectangle{Max: size}), 80); !errors.Is(err, errSides) {
			t.Errorf("%v: %v", size, err)
		}
	}
}
