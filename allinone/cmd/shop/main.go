// Command shop is the whole shop: `shop run` runs it in one process, and `shop <area> <verb>` are
// the commands of all services; `shop help` lists them.
package main

import (
	"os"

	"github.com/startupwebapp/startupwebapp/allinone"
)

func main() { os.Exit(allinone.Program(os.Args[1:], os.Stdout, os.Stderr)) }
