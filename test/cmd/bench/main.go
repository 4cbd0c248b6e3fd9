// Command bench measures the shop against the limit of each job on the same machine: `make bench`.
package main

import (
	"os"

	"github.com/startupwebapp/startupwebapp/test/bench"
)

func main() { os.Exit(bench.Main()) }
