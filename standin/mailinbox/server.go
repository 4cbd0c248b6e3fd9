// Package mailinbox is the mail system of development: an SMTP server that takes every mail,
// keeps it on disk before it says so, and shows it on a page and as JSON.
//
// It can also be told to behave like mail systems do on bad days: refuse, hang, be away, or take a
// mail and never say so (see Switches). And it answers the one question SMTP has no answer to,
// "have you taken this Message-ID?", at /api/seen.
//
// It must never stand in for a real mail system; the caller checks that.
package mailinbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Limits of what the inbox takes and keeps.
const (
	maxMailBytes  = 10 << 20            // size of one mail, as announced with SIZE
	maxRecipients = 1000                // recipients of one mail
	maxLineBytes  = 1 << 20             // length of a line; RFC 5321 allows less, but odd mails are worth a look
	defaultKeep   = 1000                // number of mails kept; the oldest are removed first
	mailTTL       = 30 * 24 * time.Hour // age at which a mail is removed
	idleTimeout   = 5 * time.Minute     // bounds the wait for the next SMTP command
	leaveTimeout  = 3 * time.Second     // bounds the wait for mails that are being stored when the server stops
)

// Config says where the inbox listens and keeps its mails. The zero value listens on two free
// loopback ports and keeps mails in memory.
type Config struct {
	// SMTPAddr and HTTPAddr are host:port; empty means a free port on loopback.
	SMTPAddr, HTTPAddr string
	// SMTPListener and HTTPListener are used instead of the addresses when they are set.
	SMTPListener, HTTPListener net.Listener
	// Hosts are names under which the page may be asked, beside localhost and its own addresses.
	Hosts string
	// StateDir is the folder for the mails, made if missing; empty keeps them in memory only.
	StateDir string
	// Keep is how many mails are kept; 0 means 1,000.
	Keep int
	// Log receives one line for each mail and each refusal, without addresses; nil means
	// slog.Default().
	Log *slog.Logger
}

// Server is a mail inbox. Make it with New and run it once with Run.
type Server struct {
	log      *slog.Logger
	store    *store
	switches *switchboard
	gate     *gate
	smtp     *smtp.Server
	web      *http.Server
	stopWeb  func(context.Context) error
	webL     net.Listener
}

// New opens both listeners and the kept mails, so that it reports a taken port or an unreadable
// folder. Run must follow, because it closes them.
func New(cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Keep <= 0 {
		cfg.Keep = defaultKeep
	}
	st, err := openStore(cfg.StateDir, cfg.Keep, cfg.Log)
	if err != nil {
		return nil, err
	}

	smtpL, err := listen(cfg.SMTPListener, cfg.SMTPAddr)
	if err != nil {
		return nil, fmt.Errorf("mail inbox, SMTP: %w", err)
	}
	webL, err := listen(cfg.HTTPListener, cfg.HTTPAddr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mail inbox, page: %w", err), smtpL.Close())
	}

	s := &Server{log: cfg.Log, store: st, gate: newGate(smtpL, cfg.Log), webL: webL}
	s.switches = newSwitchboard(s.gate)
	s.smtp = s.newSMTP()
	s.web = &http.Server{
		Handler:           web.Drain(web.OnlyHosts(cfg.Hosts, cfg.HTTPAddr)(s.routes())),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}

	s.stopWeb = web.Stopper(s.web)
	return s, nil
}

// listen returns the given listener, or opens one at the address.
func listen(given net.Listener, addr string) (net.Listener, error) {
	if given != nil {
		return given, nil
	}
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	return net.Listen("tcp", addr)
}

// newSMTP sets up the protocol side.
func (s *Server) newSMTP() *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(s.newSession))
	srv.Domain = "mail-inbox.localhost"
	srv.MaxMessageBytes = maxMailBytes
	srv.MaxRecipients = maxRecipients
	srv.MaxLineLength = maxLineBytes
	srv.AllowInsecureAuth = true
	srv.EnableSMTPUTF8 = true
	srv.ReadTimeout = idleTimeout
	// No write timeout: replies are tiny, and a stall may hold them longer than any timeout.
	srv.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)
	return srv
}

// Run serves until ctx ends, waits for the replies to mails that are being stored, and closes
// everything. It returns nil when ctx ended it.
func (s *Server) Run(ctx context.Context) error {
	s.gate.start()
	failed, served := make(chan error, 2), make(chan struct{})
	go func() {
		err := s.smtp.Serve(s.gate)
		close(served)
		if errors.Is(err, net.ErrClosed) {
			err = nil
		}
		failed <- err
	}()
	go func() {
		err := s.web.Serve(s.webL)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		failed <- err
	}()
	s.log.Info("mail inbox ready", "smtp", s.SMTPAddr(), "page", s.URL())

	var err error
	pending := 2
	select {
	case <-ctx.Done():
	case err = <-failed:
		pending--
	}
	err = errors.Join(err, s.stop(served))
	for range pending {
		err = errors.Join(err, <-failed)
	}
	if err != nil {
		return fmt.Errorf("mail inbox: %w", err)
	}
	return nil
}

// stop closes both sides. A mail that arrives meanwhile is either stored and answered, or neither.
func (s *Server) stop(served <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	err := s.gate.Close()
	<-served // go-smtp counts connections while it serves, which must not overlap with its wait for their end
	err = errors.Join(err, s.smtp.Shutdown(ctx))
	s.gate.cutAll()
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		err = nil // the remaining connections have just been cut
	}
	if webErr := s.stopWeb(ctx); webErr != nil {
		err = errors.Join(err, s.web.Close())
	}
	return err
}

// SMTPAddr is the host:port of the SMTP side.
func (s *Server) SMTPAddr() string { return s.gate.addr }

// URL is the address of the page, without a slash at its end.
func (s *Server) URL() string { return web.URL(s.webL) }
