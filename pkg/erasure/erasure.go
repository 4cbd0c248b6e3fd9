// Package erasure finds a person in what the shop keeps, and takes them out of it. Each service
// erases and exports its own rows in its erasure.go and erasure_store.go (eraseX, exportX). This
// package has what is alike everywhere: the message that asks for an erasure, the service's outbox
// and parked messages, the list of erased people (Forgotten), and the streams of the broker
// (SweepStreams).
package erasure

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Person is where a person is found: their accounts, their records without an account, every
// address they have or had here, and the codes that stand for them in links.
type Person struct {
	MemberIDs   []int64
	ProspectIDs []int64
	Emails      []string
	// Codes are mb_cd, pr_cd (further ones, too) and the tokens of unsubscribe links.
	Codes []string
}

// Of is the person that a message of msg.UserErased is about.
func Of(e msg.Erased) Person {
	p := Person{Emails: e.Emails, Codes: e.Codes}
	if e.MemberID != 0 {
		p.MemberIDs = []int64{e.MemberID}
	}
	if e.ProspectID != 0 {
		p.ProspectIDs = []int64{e.ProspectID}
	}
	return p
}

// Receive acts on a message of msg.UserErased in a consumer's transaction: erase deletes what the
// service has of the person itself, Forget deletes what every service has alike.
func Receive(ctx context.Context, tx pgx.Tx, d *bus.Delivery, erase func(context.Context, pgx.Tx, Person) error) error {
	e, err := bus.Decode[msg.Erased](d)
	if err != nil {
		return err
	}
	// Some tables are searched whole. A consumer has 20 seconds for a group.
	if err := pg.Exec(ctx, tx, "allow for a long search", `SET LOCAL statement_timeout = '18s'`); err != nil {
		return err
	}
	if err := erase(ctx, tx, Of(e)); err != nil {
		return err
	}
	return Forget(ctx, tx, Of(e), e.At)
}

// ReceiveAmong acts on a group with erasures in it, for a consumer that otherwise turns a group
// into one effect: the other messages come first, as such an effect.
func ReceiveAmong(ctx context.Context, tx pgx.Tx, group []*bus.Delivery,
	effect func([]*bus.Delivery) (*bus.Effect, error), erase func(context.Context, pgx.Tx, Person) error) error {
	var others, erased []*bus.Delivery
	for _, d := range group {
		if d.Subject == msg.UserErased {
			erased = append(erased, d)
		} else {
			others = append(others, d)
		}
	}
	noted, err := effect(others)
	if err == nil {
		err = noted.Apply(ctx, tx, bus.Keys(others)...)
	}
	for _, d := range erased {
		if err == nil {
			err = Receive(ctx, tx, d, erase)
		}
	}
	return err
}
