package contract

import "testing"

var carts, totals, orders, odd, clientEvents map[string]func(*testing.T, *world)
