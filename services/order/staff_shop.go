package order

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// shopGroup are the shop's name and address.
var shopGroup = settingGroup{
	path:  "shop",
	title: "Shop",
	intro: "Shown on packing slips and in the storefront's header, titles and footer. The name is also the sender's " +
		"name in mails.",
	keys:    []string{settingShopName, settingShopEmail, settingShopPhone, settingShopAddress},
	fields:  shopFields,
	check:   checkShop,
	enqueue: enqueueShop,
}

func shopFields(context.Context, *server) ([]adminui.Field, error) {
	return []adminui.Field{
		{Name: settingShopName, Label: "Name", Kind: "text", MaxLength: maxShopName,
			Hint: "If you leave something empty, the storefront's own settings are used."},
		{Name: settingShopEmail, Label: "E-mail for shoppers", Kind: "email", MaxLength: 254},
		{Name: settingShopPhone, Label: "Phone", Kind: "text", MaxLength: 40},
		{Name: settingShopAddress, Label: "Postal address", Kind: "multiline",
			Hint: "As on a letter, six lines at most."},
	}, nil
}

const (
	maxShopName     = 60 // characters
	maxAddressLines = 6
)

func checkShop(_ context.Context, _ *server, values map[string]string, wrong adminui.FieldErrors) error {
	for key, most := range map[string]int{settingShopName: maxShopName, settingShopPhone: 40} {
		if utf8.RuneCountInString(values[key]) > most || strings.ContainsAny(values[key], "\r\n") {
			wrong[key] = "Too long for a line."
		}
	}
	if a := values[settingShopEmail]; a != "" && !email.Valid(a) {
		wrong[settingShopEmail] = "This is not an e-mail address."
	}
	lines := shopLines(values[settingShopAddress])
	values[settingShopAddress] = strings.Join(lines, "\n")
	if len(lines) > maxAddressLines || len(values[settingShopAddress]) > 500 {
		wrong[settingShopAddress] = "Enter at most six lines."
	}
	return nil
}

// shopLines are the lines of a postal address that are not empty.
func shopLines(text string) (lines []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// enqueueShop publishes the shop's name and address from the settings that tx sees.
func enqueueShop(ctx context.Context, s *server, tx pgx.Tx) error {
	h, err := readGroup(ctx, tx, settingGroup{keys: []string{settingShopName}})
	if err != nil {
		return err
	}
	name := h.values[settingShopName]
	sum := fnv.New64a() // the name is part of the key, since SQL may change it under the same version
	sum.Write([]byte(name))
	return bus.Enqueue(ctx, tx, msg.Message{Key: fmt.Sprintf("%s:%d:%x", msg.ShopChanged, h.version, sum.Sum64()),
		Subject: msg.ShopChanged, Payload: msg.Shop{Name: name, Version: h.version}})
}

// repeatShop publishes it again, for services that were not there when staff named the shop. A
// repetition changes nothing.
func (s *server) repeatShop(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	name, err := setting(ctx, pool, settingShopName)
	if err != nil || pg.Text(name) == "" {
		return 0, err
	}
	return 0, s.outbox.Tx(ctx, func(tx pgx.Tx) error { return enqueueShop(ctx, s, tx) })
}
