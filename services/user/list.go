package user

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// exportProspects writes every prospect as CSV.
func exportProspects(ctx context.Context, pool *pgxpool.Pool, out io.Writer) error {
	list, err := listProspects(ctx, pool)
	if err != nil {
		return err
	}
	rows := [][]string{{"email", "first_name", "last_name", "phone", "unsubscribed", "prospect_comment", "pr_cd", "swa_comment", "created", "converted"}}
	for _, p := range list {
		converted := ""
		if p.Converted != nil {
			converted = p.Converted.UTC().Format(time.RFC3339)
		}
		rows = append(rows, []string{p.Email, p.FirstName, p.LastName, p.Phone, fmt.Sprint(p.Unsubscribed), p.Comment, p.PrCd, p.SwaComment, p.Created.UTC().Format(time.RFC3339), converted})
	}
	return printout.CSV(out, rows)
}

// listChat writes the newest chat messages as CSV, for staff to read and answer.
func listChat(ctx context.Context, pool *pgxpool.Pool, limit int, out io.Writer) error {
	list, err := listChatMessages(ctx, pool, limit)
	if err != nil {
		return err
	}
	rows := [][]string{{"created", "name", "email", "member", "message"}}
	for _, c := range list {
		member := ""
		if c.MemberID != nil {
			member = fmt.Sprint(*c.MemberID)
		}
		rows = append(rows, []string{c.Created.UTC().Format(time.RFC3339), c.Name, c.Email, member, c.Message})
	}
	return printout.CSV(out, rows)
}

// importedColumns are the columns that an import may have; email must be one.
var importedColumns = []string{"email", "first_name", "last_name", "phone", "unsubscribed", "prospect_comment"}

// importProspects adds the people of a CSV file, all of them or, when a line is no good, none. Whoever
// is a prospect or a member already stays as they are.
func importProspects(ctx context.Context, pool *pgxpool.Pool, file string, out io.Writer) error {
	list, err := readProspects(file)
	if err != nil {
		return err
	}
	added := 0
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		added = 0
		for _, n := range list {
			member, err := addressOfMember(ctx, tx, n.Email)
			if err != nil {
				return err
			}
			if member {
				continue
			}
			p, made, err := insertProspect(ctx, tx, n)
			if err != nil {
				return err
			}
			if !made {
				continue
			}
			added++
			if n.Subscribed {
				if err := keepConsents(ctx, tx, consent{ProspectID: p.ID, What: "newsletter", Given: true, Source: "import by staff"}); err != nil {
					return err
				}
			}
			if err := bus.Enqueue(ctx, tx, p.event()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return say(out, "Prospects added: %d, known before: %d.", added, len(list)-added)
}

func readProspects(file string) ([]newProspect, error) {
	f, err := os.Open(file) //nolint:gosec // the caller's own file
	if err != nil {
		return nil, fmt.Errorf("read the list: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	in := csv.NewReader(f)
	header, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read the list's first line: %w", err)
	}
	for i := range header {
		if header[i] = strings.TrimPrefix(header[i], "\ufeff"); !slices.Contains(importedColumns, header[i]) {
			return nil, fmt.Errorf("column %q is none of %s", header[i], strings.Join(importedColumns, ", "))
		}
	}
	var list []newProspect
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the list: %w", err)
		}
		n, err := readProspect(header, row)
		if err != nil {
			line, _ := in.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		list = append(list, n)
	}
}

// readProspect takes one line; nobody is subscribed unless it says so.
func readProspect(header, row []string) (newProspect, error) {
	n := newProspect{Note: "Imported by staff."}
	limits := map[string]int{"first_name": maxFirstName, "last_name": maxLastName, "phone": 100, "prospect_comment": maxText}
	for i, column := range header {
		cell := row[i]
		if limit := limits[column]; limit > 0 && (utf8.RuneCountInString(cell) > limit || !utf8.ValidString(cell) || strings.ContainsRune(cell, 0)) {
			return newProspect{}, fmt.Errorf("%s is longer than %d characters, or no text", column, limit)
		}
		switch column {
		case "email":
			n.Email = normalEmail(cell)
		case "first_name":
			n.FirstName = cell
		case "last_name":
			n.LastName = cell
		case "phone":
			n.Phone = cell
		case "prospect_comment":
			n.Comment = cell
		case "unsubscribed":
			if cell != "" && cell != "true" && cell != "false" {
				return newProspect{}, errors.New("unsubscribed is neither true nor false")
			}
			n.Subscribed = cell == "false"
		}
	}
	if len(checkEmail(n.Email)) > 0 {
		return newProspect{}, errors.New("email is no address")
	}
	return n, nil
}
