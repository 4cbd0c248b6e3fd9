package user

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// tagged is which people of a request have its tag.
type tagged struct {
	Known     bool    `json:"known"` // whether the tag was ever given
	Members   []int64 `json:"members"`
	Prospects []int64 `json:"prospects"`
}

func findTagged(ctx context.Context, db pg.DB, tag string, members, prospects []int64) (tagged, error) {
	return pg.Get[tagged](ctx, db, "find people with a tag", `
		SELECT EXISTS (SELECT FROM tag WHERE name = $1) AS known,
		  ARRAY(SELECT id FROM account WHERE id = ANY($2) AND tags @> ARRAY[$1]) AS members,
		  ARRAY(SELECT id FROM prospect WHERE id = ANY($3) AND tags @> ARRAY[$1]) AS prospects`,
		tag, members, prospects)
}
