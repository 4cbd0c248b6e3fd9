// Command render turns the drawings in images/source/*.svg into what the shop serves: a JPEG at the
// address that the catalog names and WebP versions in smaller sizes beside it, and the icon in
// the sizes that browsers ask for. It needs Chromium. Run it in the storefront's folder:
//
//	go run ./images/render
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
)

// widths are the sizes of the WebP versions: thumbnail, phone, card or sharp phone, large screen.
var widths = []int{160, 400, 800, 1200}

// draw paints an SVG onto a canvas and returns it in the wanted format.
const draw = `async (svg, size, type, quality) => {
	const image = new Image();
	image.src = 'data:image/svg+xml;base64,' + svg;
	await image.decode();
	const canvas = document.createElement('canvas');
	canvas.width = canvas.height = size;
	const context = canvas.getContext('2d');
	context.imageSmoothingQuality = 'high';
	context.drawImage(image, 0, 0, size, size);
	return canvas.toDataURL(type, quality).split(',')[1];
}`

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()

	drawings, err := filepath.Glob("images/source/*.svg")
	if err != nil {
		return fmt.Errorf("list drawings: %w", err)
	}
	for _, drawing := range drawings {
		name := strings.TrimSuffix(filepath.Base(drawing), ".svg")
		target := filepath.Join("images", "product", name)
		if err := paint(ctx, drawing, target+".jpg", 1200, "image/jpeg", 0.86); err != nil {
			return err
		}
		for _, w := range widths {
			if err := paint(ctx, drawing, fmt.Sprintf("%s-%d.webp", target, w), w, "image/webp", 0.8); err != nil {
				return err
			}
		}
	}
	return icons(ctx)
}

// paint renders one file in one size.
func paint(ctx context.Context, drawing, target string, size int, kind string, quality float64) error {
	svg, err := os.ReadFile(drawing)
	if err != nil {
		return fmt.Errorf("read drawing: %w", err)
	}
	call := fmt.Sprintf("(%s)(%q, %d, %q, %v)", draw, base64.StdEncoding.EncodeToString(svg), size, kind, quality)
	encoded, err := chromedp.Run(ctx, chromedp.Evaluate[string](call, chromedp.EvalAwaitPromise))
	if err != nil {
		return fmt.Errorf("render %s: %w", target, err)
	}
	body, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return fmt.Errorf("decode %s: %w", target, err)
	}
	return os.WriteFile(target, body, 0o644)
}

// icons renders the shop's mark; favicon.ico is a PNG in the container that old browsers expect.
func icons(ctx context.Context) error {
	const folder = "images/icons/"
	for _, size := range []int{32, 180, 192, 512} {
		if err := paint(ctx, folder+"icon.svg", fmt.Sprintf("%sicon-%d.png", folder, size), size, "image/png",
			1); err != nil {
			return err
		}
	}
	png, err := os.ReadFile(folder + "icon-32.png")
	if err != nil {
		return fmt.Errorf("read icon: %w", err)
	}
	var ico bytes.Buffer
	ico.Write([]byte{0, 0, 1, 0, 1, 0, 32, 32, 0, 0, 1, 0, 32, 0})
	for _, n := range []int{len(png), 22} {
		if err := binary.Write(&ico, binary.LittleEndian, uint32(n)); err != nil {
			return fmt.Errorf("write icon: %w", err)
		}
	}
	ico.Write(png)
	return os.WriteFile(folder+"favicon.ico", ico.Bytes(), 0o644)
}
