package picture

import (
	"bytes"
	"encoding/binary"
	"image"
)

// upright turns a picture the way its camera was held: one of the eight orientations of EXIF (CIPA
// DC-008, tag 274).
func upright(img *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return img
	}
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if orientation > 4 {
		w, h = h, w
	}

	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			sx, sy := x, y
			switch orientation {
			case 2:
				sx = w - 1 - x
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, w-1-x
			case 7:
				sx, sy = h-1-y, w-1-x
			case 8:
				sx, sy = h-1-y, x
			}
			out.SetRGBA(x, y, img.RGBAAt(b.Min.X+sx, b.Min.Y+sy))
		}
	}
	return out
}

// exifOrientation reads the orientation in a JPEG's first EXIF segment; 1 if there is no valid one.
func exifOrientation(body []byte) int {
	for at := 2; at+4 <= len(body) && body[at] == 0xff; { // after the start marker
		kind, size := body[at+1], int(binary.BigEndian.Uint16(body[at+2:]))
		if size < 2 || at+2+size > len(body) || kind == 0xda {
			break
		}
		segment := body[at+4 : at+2+size]
		if rest, exif := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); kind == 0xe1 && exif {
			return tiffOrientation(rest)
		}
		at += 2 + size
	}
	return 1
}

// tiffOrientation reads tag 274 of the first directory.
func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}

	entries := int64(order.Uint16(tiff[at:]))
	for i := range entries {
		entry := at + 2 + 12*i
		if entry+12 > int64(len(tiff)) {
			break
		}
		if order.Uint16(tiff[entry:]) == 274 {
			if o := int(order.Uint16(tiff[entry+8:])); o >= 1 && o <= 8 {
				return o
			}
			break
		}
	}
	return 1
}
