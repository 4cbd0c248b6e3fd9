package order

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// maxWishes is for how many SKUs an address may wait at the same time.
const maxWishes = 20

// restockAddress stands for an address in wishes. refuseToken is the token with which its owner
// declines: it reveals nothing about the address, and no one else can make one.
func (s *server) restockAddress(address string) string {
	return web.MAC(s.cfg.Key("back in stock"), "address", email.Key(address))
}

func (s *server) refuseToken(hash string) string {
	return hash + "." + web.MAC(s.cfg.Key("back in stock"), "refuse", hash)
}

// refuser is the hashed address of a token that refuseToken made.
func (s *server) refuser(token string) (hash string, ok bool) {
	hash, mac, _ := strings.Cut(token, ".")
	return hash, hash != "" && web.ValidMAC(s.cfg.Key("back in stock"), mac, "refuse", hash)
}

// wishForRestock stores that a person wants one mail when a SKU is back in stock. The answer is the
// SKU's state, as the page of its product shows it, and is the same whatever is known about the
// address.
func (s *server) wishForRestock(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	address := strings.TrimSpace(form.Get("email_address"))
	sku, ok := web.Number(form.Get("sku_id"), maxSKU)
	switch {
	case !ok:
		return web.BadRequest("sku_id")
	case !email.Valid(address):
		return web.BadRequest("email_address")
	}

	value, err := setting(r.Context(), s.pool, settingBackInStock)
	if err != nil {
		return err
	}

	state := wishGone
	if pg.Text(value) == settingOn {
		if state, err = insertWish(r.Context(), s.pool, sku, address, s.restockAddress(address)); err != nil {
			return err
		}
	}
	return answer(w, struct {
		State string `json:"state"`
	}{state})
}

// The outcome of a wish, which depends on the SKU alone.
const (
	wishNoted   = "noted"
	wishInStock = "in-stock" // there is nothing to wait for
	wishGone    = "gone"     // the shop does not sell it, or sends no such mails
)

// maxSKU is larger than any SKU's number.
const maxSKU = 1 << 53

// refuseRestock deletes the wishes of an address, by the token of a mail to it, and prevents new
// ones.
func (s *server) refuseRestock(w http.ResponseWriter, r *http.Request) error {
	query, err := web.Query(r)
	if err != nil {
		return err
	}
	hash, ok := s.refuser(query.Get("notice"))
	if !ok {
		return web.NotFound()
	}
	err = pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) error { return storeRefusal(r.Context(), tx, hash) })
	if err != nil {
		return err
	}
	return answer(w, struct {
		Refused bool `json:"refused"`
	}{true})
}

// takeRestocked takes the wishes for SKUs that are back in stock. They are deleted with their
// mails, unless a SKU is sold out again before its mail leaves.
func (s *server) takeRestocked(ctx context.Context, tx pgx.Tx, _ automatic) ([]msg.Message, error) {
	list, err := claimWishes(ctx, tx)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	messages := make([]msg.Message, len(list))
	for i, wish := range list {
		line := msg.OrderLine{SKUID: wish.SKU, Product: wish.Title, Color: wish.Color, Size: wish.Size,
			PriceEach: wish.Price, Quantity: 1}
		messages[i] = msg.Message{Key: msg.MailBackInStock + ":" + web.ID(wish.ID),
			Subject: msg.MailSubject(msg.MailBackInStock), Payload: msg.SendMail{Kind: msg.MailBackInStock,
				To: []string{wish.Email}, CreatedAt: now, Deadline: now.Add(automaticTTL),
				Data:    map[string]string{"product": wish.Product, "notice": s.refuseToken(wish.Address)},
				Payment: &msg.PaymentMail{Total: wish.Price, Lines: []msg.OrderLine{line}}}}
	}
	return messages, nil
}
