package user

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// findSubscriber looks a token up as it is stored.
func findSubscriber(ctx context.Context, db database, token string, member bool) (who subscriber, found bool, err error) {
	query := `SELECT id, email, unsubscribed FROM prospect WHERE unsubscribe_token = $1`
	if member {
		query = `SELECT id, email, unsubscribed FROM account WHERE unsubscribe_token = $1`
	}
	who.member = member
	err = db.QueryRow(ctx, query, token).Scan(&who.id, &who.email, &who.unsubscribed)
	if errors.Is(err, pgx.ErrNoRows) {
		return subscriber{}, false, nil
	}
	if err != nil {
		return subscriber{}, false, fmt.Errorf("look an unsubscribe token up: %w", err)
	}
	return who, true, nil
}

// unsubscribeMember works only while the token is the member's.
func unsubscribeMember(ctx context.Context, tx pgx.Tx, id int64, token, fresh string) (account, bool, error) {
	return queryAccount(ctx, tx, `
		UPDATE account SET unsubscribed = true, newsletter = false, unsubscribe_token = $3, version = version + 1
		WHERE id = $1 AND unsubscribe_token = $2 AND NOT unsubscribed RETURNING`+accountColumns, id, token, fresh)
}

// unsubscribeProspect works only while the token is the prospect's.
func unsubscribeProspect(ctx context.Context, tx pgx.Tx, id int64, token, fresh string) (prospect, bool, error) {
	return queryProspect(ctx, tx, `
		UPDATE prospect SET unsubscribed = true, unsubscribed_at = now(), unsubscribe_token = $3, version = version + 1
		WHERE id = $1 AND unsubscribe_token = $2 AND NOT unsubscribed RETURNING`+prospectColumns, id, token, fresh)
}

func insertReasons(ctx context.Context, db database, who subscriber, why reasons) error {
	column := "prospect_id"
	if who.member {
		column = "member_id"
	}
	_, err := db.Exec(ctx, `
		INSERT INTO unsubscribe_reason (`+column+`, no_longer_want, never_signed_up, inappropriate, spam, other) VALUES ($1, $2, $3, $4, $5, $6)`,
		who.id, why.NoLongerWant, why.NeverSignedUp, why.Inappropriate, why.Spam, why.Other)
	if err != nil {
		return fmt.Errorf("keep the reasons of an unsubscription: %w", err)
	}
	return nil
}
