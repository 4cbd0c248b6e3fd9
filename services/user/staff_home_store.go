package user

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// publishedTerms reports whether there are terms of use beyond those of the sample shop.
func publishedTerms(ctx context.Context, db pg.DB) (bool, error) {
	return pg.Get[bool](ctx, db, "find published terms of use", `
		SELECT EXISTS (SELECT FROM terms_version WHERE version > 1)`)
}
