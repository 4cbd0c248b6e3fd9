package contract
import "testing"
var validation, accounts, people, carts, totals, orders, odd, clientEvents map[string]func(*testing.T, *world)
