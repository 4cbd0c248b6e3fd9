package order

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

func methodNamed(ctx context.Context, db pg.DB, identifier string) (m shippingMethod, found bool, err error) {
	return pg.One[shippingMethod](ctx, db, "find shipping method $1", `
		SELECT `+methodColumnsSQL+` FROM shipping_method m WHERE identifier = $1`, identifier)
}

// insertShipment writes a parcel with its lines.
func insertShipment(ctx context.Context, tx pgx.Tx, s shipment, pieces []Pieces, mailAfter time.Duration,
	who Actor) error {
	seqs, quantities := columns(pieces)
	return pg.Exec(ctx, tx, "insert parcel $1", `
		WITH s AS (
		  INSERT INTO shipment (id, order_id, carrier, tracking_base_url, tracking_number, mail_at, by_person, by_name)
		  VALUES ($1, $2, $3, $4, $5, now() + $6::interval, $7, $8)
		)
		INSERT INTO shipment_line (shipment_id, order_id, seq, quantity)
		SELECT $1, $2, seq, quantity FROM unnest($9::int[], $10::int[]) AS p (seq, quantity)`,
		s.ID, s.OrderID, s.Carrier, s.TrackingBaseURL, s.TrackingNumber, mailAfter, who.Person, who.Name, seqs,
		quantities)
}

// columns turns pieces into two arrays.
func columns(pieces []Pieces) (seqs, quantities []int) {
	for _, p := range pieces {
		seqs, quantities = append(seqs, p.Seq), append(quantities, p.Quantity)
	}
	return seqs, quantities
}

// lockShipment reads a parcel of an order.
func lockShipment(ctx context.Context, tx pgx.Tx, orderID int64, id string) (s shipment, found bool, err error) {
	return pg.One[shipment](ctx, tx, "lock parcel $2", `
		SELECT id, order_id, carrier, tracking_base_url, tracking_number, corrections,
		  told_at IS NOT NULL AS told, mail_at <= clock_timestamp() AS due
		FROM shipment WHERE order_id = $1 AND id = $2 FOR UPDATE`, orderID, id)
}

func shipmentPieces(ctx context.Context, db pg.DB, id string) ([]Pieces, error) {
	return pg.List[Pieces](ctx, db, "list the lines of parcel $1", `
		SELECT seq, quantity FROM shipment_line WHERE shipment_id = $1 ORDER BY seq`, id)
}

// deleteShipment takes a parcel back, and the order's status with it. A record of the parcel is
// kept.
func deleteShipment(ctx context.Context, tx pgx.Tx, s shipment, who Actor) error {
	return pg.Exec(ctx, tx, "delete parcel $1", `
		WITH gone AS (
		  DELETE FROM shipment WHERE id = $1 RETURNING id, order_id, carrier, tracking_number, shipped_at, by_name
		), kept AS (
		  INSERT INTO shipment_undone (id, order_id, carrier, tracking_number, shipped_at, shipped_by,
		    by_person, by_name)
		  SELECT id, order_id, carrier, tracking_number, shipped_at, by_name, $3, $4 FROM gone
		)
		DELETE FROM order_status WHERE order_id = $2 AND status = 'shipped'`, s.ID, s.OrderID, who.Person, who.Name)
}

// undone is a parcel that was taken back.
type undone struct {
	Carrier, TrackingNumber string
	ShippedAt               time.Time
	ShippedBy               string
	At                      time.Time
	By                      string
}

// undoneColumnsSQL are the columns of undone, of the table shipment_undone as u.
const undoneColumnsSQL = `u.carrier, u.tracking_number, u.shipped_at, u.shipped_by, u.undone_at AS at, u.by_name AS by`

func findUndone(ctx context.Context, db pg.DB, identifier, id string) (u undone, found bool, err error) {
	return pg.One[undone](ctx, db, "find deleted parcel $2", `
		SELECT `+undoneColumnsSQL+` FROM shipment_undone u JOIN orders o ON o.id = u.order_id
		WHERE o.identifier = $1 AND u.id = $2`, identifier, id)
}

func changeShipment(ctx context.Context, tx pgx.Tx, s shipment) error {
	return pg.Exec(ctx, tx, "change parcel $1", `
		UPDATE shipment SET carrier = $2, tracking_base_url = $3, tracking_number = $4, corrections = $5 WHERE id = $1`,
		s.ID, s.Carrier, s.TrackingBaseURL, s.TrackingNumber, s.Corrections)
}

// showTracking sets the column that the order's page shows beside the chosen shipping method to the
// number of the newest parcel that went that way: on another carrier's page the number would lead
// nowhere.
func showTracking(ctx context.Context, tx pgx.Tx, orderID int64) error {
	return pg.Exec(ctx, tx, "show the tracking number of order $1", `
		UPDATE orders SET tracking_number = (
		  SELECT tracking_number FROM shipment
		  WHERE order_id = $1 AND tracking_number <> ''
		    AND tracking_base_url = coalesce(orders.shipping_method->>'tracking_code_base_url', '')
		  ORDER BY shipped_at DESC, id LIMIT 1)
		WHERE id = $1`, orderID)
}

// claimShipmentsToMail claims parcels about which the customers are to be mailed now.
func claimShipmentsToMail(ctx context.Context, tx pgx.Tx) ([]shipment, error) {
	return pg.List[shipment](ctx, tx, "claim parcels to mail", `
		UPDATE shipment SET told_at = now()
		WHERE id IN (
		  SELECT id FROM shipment WHERE told_at IS NULL AND mail_at <= now() ORDER BY mail_at LIMIT 100
		  FOR UPDATE SKIP LOCKED)
		RETURNING id, order_id, carrier, tracking_base_url, tracking_number, corrections, true AS told, true AS due`)
}

// orderToMail is an order about which the customer is mailed.
type orderToMail struct {
	deskOrder
	MemberCode *string
	Sent       bool // completely, and reported as sent
	MovedAt    *time.Time
}

// ordersToMail reads orders for mails about them.
func ordersToMail(ctx context.Context, db pg.DB, ids []int64) (map[int64]orderToMail, error) {
	list, err := pg.List[orderToMail](ctx, db, "list orders to mail", `
		SELECT `+deskOrderColumnsSQL+`, k.member_code,
		  s.status IS NOT NULL
		    AND NOT EXISTS (SELECT FROM shipment p WHERE p.order_id = o.id AND p.told_at IS NULL) AS sent,
		  s.created_date_time AS moved_at
		FROM orders o LEFT JOIN checkout k ON k.id = o.checkout_id AND k.member_id = o.member_id
		  LEFT JOIN order_status s ON s.order_id = o.id AND s.status = 'shipped'
		WHERE o.id = ANY($1)`, ids)
	orders := make(map[int64]orderToMail, len(list))
	for _, o := range list {
		orders[o.ID] = o
	}
	return orders, err
}

// wasSent reports whether a parcel of an order was sent.
func wasSent(ctx context.Context, db pg.DB, orderID int64) (bool, error) {
	return pg.Get[bool](ctx, db, "find parcels of order $1", `
		SELECT EXISTS (SELECT FROM shipment WHERE order_id = $1)
		  OR EXISTS (SELECT FROM order_status WHERE order_id = $1 AND status = 'shipped')`, orderID)
}
