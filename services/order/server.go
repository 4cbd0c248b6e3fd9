package order

import (
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/services/order/picture"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// server is what the handlers and consumers of order share.
type server struct {
	cfg         Config
	identityKey []byte // checks the identity that edge signs
	log         *slog.Logger
	pool        *pgxpool.Pool
	outbox      *bus.Outbox
	stripe      *stripe.Client

	desk       *Desk
	deskWork   chan struct{} // wakes followUp
	refundWork chan struct{} // wakes makeRefunds
	clockWork  chan struct{} // wakes clock
	media      media.Store
	pictures   chan struct{} // one slot for each picture being converted
	// pictureWork wakes makePictures.
	pictureWork chan struct{}
	fetcher     *picture.Fetcher // fetches pictures from other servers
	fetchWork   chan struct{}    // wakes fetchPictures
	// placings hands success pages the outcomes of their payments' events.
	placings placings
}

func newServer(core *service.Core, cfg Config) (*server, error) {
	store, err := media.Open(cfg.MediaURL)
	if err != nil {
		return nil, err
	}

	s := &server{
		cfg:         cfg,
		identityKey: cfg.Key("identity"),
		log:         core.Log,
		pool:        core.Pool,
		outbox:      core.Outbox,
		stripe:      newStripe(core.Log, cfg, core.Bus),
		media:       store,
		deskWork:    make(chan struct{}, 1),
		refundWork:  make(chan struct{}, 1),
		clockWork:   make(chan struct{}, 1),
		pictures:    make(chan struct{}, pictureConcurrency),
		pictureWork: make(chan struct{}, 1),
		fetcher:     picture.NewFetcher(picture.Public, nil),
		fetchWork:   make(chan struct{}, 1),
	}

	s.desk = NewDesk(core.Pool, cfg.ShippingMailAfter, func() {
		s.outbox.Wake()
		wait.Wake(s.deskWork)
		wait.Wake(s.refundWork)
	})
	return s, nil
}
