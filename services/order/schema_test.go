package order

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// The migrations make the schema that schema.sql has.
func TestSchema(t *testing.T) {
	t.Parallel()
	testenv.CheckSchema(t, testenv.Pool(t, "order", Migrations()...), "schema.sql")
}

// The role of order can use its own tables, and neither those of another service nor DDL.
func TestTheRoleSeesItsOwnSchemaOnly(t *testing.T) {
	t.Parallel()
	testenv.CheckRole(t, "order", Migrations())
}
