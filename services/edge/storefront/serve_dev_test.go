package storefront

import (
	"flag"
	"fmt"
	"testing"
)

var (
	serve = flag.Bool("serve", false, "keep a shop with the fake API running to look at, until interrupted")
	many  = flag.Int("products", 0, "how many products it has; 0: the sample's")
)

// TestServe keeps a shop running while someone works on its pages:
//
//	go test -run TestServe -timeout 0 ./storefront -args -serve
func TestServe(t *testing.T) {
	if !*serve {
		return
	}
	f, _, server := newFake(t)
	if *many > 0 {
		f.listed = largeList(*many)
	}
	fmt.Println(server.URL)
	<-t.Context().Done()
}
