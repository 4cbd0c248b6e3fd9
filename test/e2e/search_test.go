package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/allinone"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

func (l *life) context() context.Context { return context.Background() }

// publish puts a message into its stream under a key.
func (l *life) publish(t *testing.T, subject, key string, payload any) {
	t.Helper()
	data, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	m := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{"Shop-Key": {key}}}
	if _, err := l.js.PublishMsg(t.Context(), m, jetstream.WithMsgID(key)); err != nil {
		t.Fatal(err)
	}
}

// searchEverything searches every row of every table of every schema, and every stored message, for
// texts in any case: as they are, in hex, in base64.
func searchEverything(t *testing.T, shop *shoptest.Shop, js jetstream.JetStream, needles []string) (found []string) {
	t.Helper()
	look := func(where string, text []byte) {
		lower := bytes.ReplaceAll(bytes.ToLower(text), []byte(bystander), nil) // the bystander's address ends like the person's
		for _, needle := range needles {
			for _, form := range []string{strings.ToLower(needle), hex.EncodeToString([]byte(needle)),
				hex.EncodeToString([]byte(strings.ToLower(needle))), strings.ReplaceAll(strings.ToLower(needle), "@", "%40")} {
				if bytes.Contains(lower, []byte(form)) {
					found = append(found, fmt.Sprintf("%q in %s: %s", needle, where, text))
					return
				}
			}
			for shift := range 3 { // base64 of a text at any position
				whole := base64.StdEncoding.EncodeToString(append(bytes.Repeat([]byte("x"), shift), needle...))
				if part := whole[4*min(1, shift) : len(whole)-4]; len(part) > 8 && bytes.Contains(text, []byte(part)) {
					found = append(found, fmt.Sprintf("base64 of %q in %s: %s", needle, where, text))
					return
				}
			}
		}
	}

	for _, schema := range allinone.Schemas() {
		searchSchema(t, shop, schema.Service, look)
	}

	for _, s := range msg.Streams {
		stream, err := js.Stream(t.Context(), s.Name)
		if err != nil {
			t.Fatal(err)
		}
		for seq := uint64(1); ; seq++ {
			m, err := stream.GetMsg(t.Context(), seq, jetstream.WithGetMsgSubject(">"))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			seq = m.Sequence
			look(s.Name+" "+m.Subject, fmt.Appendf(nil, "%s %v %s", m.Subject, m.Header, m.Data))
		}
	}
	return found
}

// hexBytes is how PostgreSQL shows bytea inside JSON.
var hexBytes = regexp.MustCompile(`\\\\x((?:[0-9a-f]{2})+)`)

func searchSchema(t *testing.T, shop *shoptest.Shop, service string, look func(where string, text []byte)) {
	t.Helper()
	rows, err := shop.Database(service).Query(t.Context(),
		`SELECT table_name FROM information_schema.tables WHERE table_schema = $1 AND table_type = 'BASE TABLE'`, service)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 3 {
		t.Fatalf("tables of %s: %v, %v", service, tables, err)
	}

	for _, table := range tables {
		rows, err := shop.Database(service).Query(t.Context(), `SELECT to_jsonb(t)::text FROM `+pgx.Identifier{table}.Sanitize()+` AS t`)
		if err != nil {
			t.Fatal(err)
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			readable := hexBytes.ReplaceAllFunc([]byte(text), func(b []byte) []byte {
				raw := make([]byte, (len(b)-3)/2)
				if _, err := hex.Decode(raw, b[3:]); err != nil {
					return b
				}
				return raw
			})
			look(service+"."+table, readable)
		}
	}
}
