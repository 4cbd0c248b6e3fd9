package mailer

import (
	"context"
	"net/mail"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// onShop stores the name of the shop.
func (s *server) onShop(group []*bus.Delivery) (*bus.Effect, error) {
	rows := make([]shopRow, 0, len(group))
	for _, d := range group {
		shop, err := bus.Decode[msg.Shop](d)
		if err != nil {
			return nil, err
		}
		rows = append(rows, shopRow{Key: d.Key, Name: clean(shop.Name), Version: shop.Version})
	}
	return shopEffect(rows), nil
}

// onShopStored takes over the stored name after the commit; other processes read it by themselves.
func (s *server) onShopStored([]*bus.Delivery) {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	if _, err := s.readShop(ctx, s.pool); err != nil {
		s.log.Warn("the shop's name cannot be read, will try again", "error", err)
	}
}

// readShop takes over the shop's settings, whichever process got the message.
func (s *server) readShop(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	name, err := shopName(ctx, pool)
	if err == nil {
		s.name.Store(&name)
	}
	return 0, err
}

// shop is the shop's name as customers see it: from the settings, otherwise from MAIL_FROM.
func (s *server) shop() string {
	if name := s.sender().Name; name != "" {
		return name
	}
	return "StartUpWebApp"
}

// sender is the address of MAIL_FROM under the shop's name.
func (s *server) sender() *mail.Address {
	name := s.name.Load()
	if name == nil || *name == "" {
		return s.from
	}
	return &mail.Address{Name: *name, Address: s.from.Address}
}

// answersTo is the address for answers: MAIL_REPLY_TO, otherwise the sender.
func (s *server) answersTo() *mail.Address {
	if s.replyTo == s.from {
		return s.sender()
	}
	return s.replyTo
}
