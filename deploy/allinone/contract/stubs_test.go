package contract

import "testing"

var orders, odd, clientEvents map[string]func(*testing.T, *world)
