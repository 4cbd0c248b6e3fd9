package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// The migrations make the schema that schema.sql has.
func TestSchema(t *testing.T) {
	t.Parallel()
	testenv.CheckSchema(t, testenv.Pool(t, "user", Migrations()...), "schema.sql")
}
