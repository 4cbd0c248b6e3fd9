package stripe

import (
	"net/url"
	"strings"
	"testing"
)

// Addresses are made absolute and encoded; those that Stripe would refuse are left out.
func TestPictureAddressesForStripe(t *testing.T) {
	t.Parallel()
	shop, err := url.Parse("https://shop.example/")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"":                                      "",
		"  ":                                    "",
		"?v=2":                                  "",
		"/img/clip.jpg":                         "https://shop.example/img/clip.jpg",
		"img/clip.jpg":                          "https://shop.example/img/clip.jpg",
		"./img/../clip.jpg":                     "https://shop.example/clip.jpg",
		" /img/red clip.jpg\n":                  "https://shop.example/img/red%20clip.jpg",
		"/img/red%20clip.jpg":                   "https://shop.example/img/red%20clip.jpg",
		"/img/100%.jpg":                         "https://shop.example/img/100%25.jpg",
		"/img/50%zz.jpg":                        "https://shop.example/img/50%25zz.jpg",
		"/img/Bücher–1.jpg":                     "https://shop.example/img/B%C3%BCcher%E2%80%931.jpg",
		"/img/猫.jpg?größe=a b#top":              "https://shop.example/img/%E7%8C%AB.jpg?gr%C3%B6%C3%9Fe=a%20b",
		"/img/a[1].jpg":                         "https://shop.example/img/a%5B1%5D.jpg",
		`\img\clip.jpg`:                         "https://shop.example/img/clip.jpg",
		"/img/a\tb.jpg":                         "https://shop.example/img/ab.jpg",
		"/img/<\"a\">.jpg":                      "https://shop.example/img/%3C%22a%22%3E.jpg",
		"/img/\xff.jpg":                         "https://shop.example/img/%FF.jpg",
		"//cdn.example/clip.jpg":                "https://cdn.example/clip.jpg",
		"//cdn.example:8443/a b.jpg":            "https://cdn.example:8443/a%20b.jpg",
		"HTTP://cdn.example/clip.jpg":           "http://cdn.example/clip.jpg",
		"https://cdn.example/ü.jpg":             "https://cdn.example/%C3%BC.jpg",
		"https://cdn.example":                   "https://cdn.example",
		"https://bücher.example/clip.jpg":       "",
		"https://name:word@cdn.example/a.jpg":   "",
		"https:///clip.jpg":                     "",
		"http://a b/clip.jpg":                   "",
		"data:image/png;base64,AAAA":            "",
		"javascript:alert(1)":                   "",
		"ftp://cdn.example/clip.jpg":            "",
		"/" + strings.Repeat("x", maxPicture):   "",
		"/img/" + strings.Repeat("ü", 500) + "": "",
	} {
		t.Run(address, func(t *testing.T) {
			if got := picture(shop, address); got != want {
				t.Errorf("%q: %q, want %q", address, got, want)
			}
		})
	}
}

func FuzzPictures(f *testing.F) {
	for _, s := range []string{"/img/a b.jpg", "//h/x", "https://ü/x", "%", "\x00", `\\h\x`, "http://[::1]/x"} {
		f.Add(s)
	}
	shop, err := url.Parse("https://shop.example/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, address string) {
		got := picture(shop, address)
		if got == "" {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || !ASCII(got) {
			t.Errorf("%q becomes %q, %v", address, got, err)
		}
	})
}
