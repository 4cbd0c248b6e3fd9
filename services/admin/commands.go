package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Usage describes the commands of admin.
const Usage = `People of the staff:

  admin person add           make the owner STAFF_USERNAME with STAFF_PASSWORD, or give them this password and
                             the role; without STAFF_PASSWORD, print a link that signs them in once
  admin person reset NAME    remove a person's password, authenticator app, passkeys, tokens and sessions,
                             and print a link with which they start again
  admin parked VERB ...      the commands of shop parked, for a service that runs by itself

All are safe to repeat. ADMIN_URL is where the links lead.
`

// IsCommand reports whether admin has a command of this name.
func IsCommand(args []string) bool {
	return len(args) > 0 && (args[0] == "person" || args[0] == "parked")
}

// Command runs a command and returns the exit code: 0, 1 for a failure, 2 for arguments or settings
// that cannot work.
func Command(args []string, out, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "parked" {
		return ParkedCommand(args[1:], out, stderr)
	}
	return boot.Command("admin", Usage, boot.CommandTimeout, stderr, func(ctx context.Context) error {
		return command(ctx, args, out)
	})
}

func command(ctx context.Context, args []string, out io.Writer) error {
	add, reset := len(args) == 2 && args[1] == "add", len(args) == 3 && args[1] == "reset"
	if !IsCommand(args) || !add && !reset {
		return fmt.Errorf("%w: the commands are person add, person reset NAME and parked", boot.ErrUsage)
	}
	cfg, err := boot.Load[Config]()
	if err != nil {
		return fmt.Errorf("%w: %w", boot.ErrUsage, err)
	}
	pool, err := pg.Open(ctx, cfg.DatabaseURL, cfg.Shop(), "admin")
	if err != nil {
		return err
	}
	defer pool.Close()
	var message string
	if add {
		message, err = addOwner(ctx, pool, cfg.URL, os.Getenv("STAFF_USERNAME"), os.Getenv("STAFF_PASSWORD"))
	} else {
		message, err = resetByCommand(ctx, pool, cfg.URL, args[2])
	}
	if err == nil {
		_, err = fmt.Fprintln(out, message)
	}
	return err
}

// addOwner makes an owner who signs in with a password, or with a link if there is none.
func addOwner(ctx context.Context, pool *pgxpool.Pool, adminURL, username, password string) (message string,
	err error) {
	if !goodUsername(username) {
		return "", fmt.Errorf("%w: STAFF_USERNAME: %s", boot.ErrUsage, usernameRule)
	}

	stored := ""
	if password != "" {
		if problem := weak(password, username); problem != "" {
			return "", fmt.Errorf("%w: STAFF_PASSWORD: %s", boot.ErrUsage, problem)
		}
		h, err := newHasher(nil)
		if err != nil {
			return "", err
		}
		a, _, err := findAccountByName(ctx, pool, username)
		if err != nil {
			return "", err
		}
		same, err := h.verify(ctx, password, a.Password)
		if err != nil {
			return "", err
		}
		if same {
			return "Owner " + username + ": unchanged.", nil
		}
		if stored, err = h.hash(ctx, password); err != nil {
			return "", err
		}
	}

	token, hash := newToken()
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		person, err := upsertOwner(ctx, tx, username, stored)
		if err != nil {
			return err
		}
		if message = "Owner " + username + ": has this password now."; stored == "" {
			message = linkAddress(adminURL, token)
			if err := insertLink(ctx, tx, hash, person, linkTTL); err != nil {
				return err
			}
		}
		return recordCommand(ctx, tx, "person add", person, "Made "+username+" an owner")
	})
	return message, err
}

// resetByCommand is for an owner who has lost the second factor, when no other owner can reset it.
func resetByCommand(ctx context.Context, pool *pgxpool.Pool, adminURL, username string) (message string, err error) {
	a, found, err := findAccountByName(ctx, pool, username)
	if err == nil && !found {
		err = fmt.Errorf("there is no active account called %s", username)
	}
	if err != nil {
		return "", err
	}
	token, hash := newToken()
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		return errors.Join(clearFactors(ctx, tx, a.ID), endSessions(ctx, tx, a.ID, nil), deleteLinks(ctx, tx, a.ID),
			insertLink(ctx, tx, hash, a.ID, linkTTL), recordCommand(ctx, tx, "person reset", a.ID,
				"Reset how "+a.Name+" signs in"))
	})
	return linkAddress(adminURL, token), err
}

// recordCommand records what a command on the server did.
func recordCommand(ctx context.Context, tx pgx.Tx, name string, person int64, text string) error {
	return insertAudit(ctx, tx, msg.StaffActed{
		Name:    "command " + name,
		Service: "admin",
		Action:  string(adminui.PeopleManage),
		Kind:    "person",
		Key:     web.ID(person),
		Text:    text,
		At:      time.Now().UTC(),
	})
}
