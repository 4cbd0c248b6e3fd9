package admin

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// The migrations make the schema that schema.sql has.
func TestSchema(t *testing.T) {
	t.Parallel()
	testenv.CheckSchema(t, testenv.Pool(t, "admin", Migrations()...), "schema.sql")
}

// The role of admin can use its own tables, and neither those of another service nor DDL.
func TestTheRoleSeesItsOwnSchemaOnly(t *testing.T) {
	t.Parallel()
	testenv.CheckRole(t, "admin", Migrations())
}
