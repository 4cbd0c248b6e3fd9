package order

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

func findStaffCollection(ctx context.Context, db pg.DB, address string) (staffCollection, bool, error) {
	return pg.One[staffCollection](ctx, db, "find collection $1", `
		SELECT id, address, title, text, position, version,
		  (SELECT count(*) FROM product_collection k WHERE k.collection_id = c.id) AS products
		FROM collection c WHERE address = $1`, address)
}

// collectionMembers are the first products of a collection, in its order.
func collectionMembers(ctx context.Context, db pg.DB, id int64, limit int) ([]collectionMember, error) {
	return pg.List[collectionMember](ctx, db, "list the products of collection $1", `
		SELECT p.identifier, p.title, `+productStateSQL+` AS state, k.position
		FROM product_collection k JOIN product p ON p.id = k.product_id WHERE k.collection_id = $1
		ORDER BY k.position, p.id LIMIT $2`, id, limit)
}

// storeCollection updates a collection of a version, or inserts one if id is 0; free is false if
// another one has the address.
func storeCollection(ctx context.Context, tx pgx.Tx, id, version int64, e collectionEdit) (stored, free bool,
	err error) {
	part, err := tx.Begin(ctx)
	if err != nil {
		return false, false, err
	}
	if id == 0 {
		stored, err = pg.ExecOne(ctx, part, "insert collection $1", `
			INSERT INTO collection (address, title, text, position) VALUES ($1, $2, $3, $4)`, e.Address, e.Title,
			e.Text, e.Position)
	} else {
		stored, err = pg.ExecOne(ctx, part, "update collection $1", `
			UPDATE collection SET address = $3, title = $4, text = $5, position = $6, version = version + 1
			WHERE id = $1 AND version = $2`, id, version, e.Address, e.Title, e.Text, e.Position)
	}
	if pg.IsConflict(err) {
		return false, false, part.Rollback(ctx)
	}
	if err != nil {
		return false, false, err
	}
	return stored, true, part.Commit(ctx)
}

// placeMembers gives products of a collection other places.
func placeMembers(ctx context.Context, tx pgx.Tx, id int64, places map[string]int) error {
	if len(places) == 0 {
		return nil
	}
	var identifiers []string
	for identifier := range places {
		identifiers = append(identifiers, identifier)
	}
	slices.Sort(identifiers)
	var at []int
	for _, identifier := range identifiers {
		at = append(at, places[identifier])
	}
	return pg.Exec(ctx, tx, "place the products of collection $1", `
		UPDATE product_collection k SET position = w.position
		FROM unnest($2::text[], $3::int[]) AS w (identifier, position) JOIN product p USING (identifier)
		WHERE k.collection_id = $1 AND k.product_id = p.id`, id, identifiers, at)
}

func deleteCollection(ctx context.Context, tx pgx.Tx, id int64) error {
	return pg.Exec(ctx, tx, "delete collection $1", `DELETE FROM collection WHERE id = $1`, id)
}
