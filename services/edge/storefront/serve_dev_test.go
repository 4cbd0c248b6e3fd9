package storefront

import (
	"flag"
	"fmt"
	"testing"
)

var serve = flag.Bool("serve", false, "keep a shop with the fake API running to look at, until interrupted")

// TestServe keeps a shop running while someone works on its pages:
//
//	go test -run TestServe -timeout 0 ./storefront -args -serve
func TestServe(t *testing.T) {
	if !*serve {
		return
	}
	_, _, server := newFake(t)
	fmt.Println(server.URL)
	<-t.Context().Done()
}
