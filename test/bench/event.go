package bench

import (
	"fmt"
	"strings"
)

// Names of the numbered buyers of a run. The SQL of fill makes the same ones.
const (
	checkoutPrefix = "benchcheckout"
	sessionPrefix  = "cs_test_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6"
	intentPrefix   = "pi_3QbenchABCDEFGHIJ"
	eventPrefix    = "evt_1QbenchABCDEFGHIJKL"
)

// eventBody is a completed session as Stripe sends it, with all fields: about 3 kB. It holds no
// backslash, so that PostgreSQL reads it as bytea too. Amounts are cents.
func eventBody(id, number string, total int64) string {
	return strings.NewReplacer("@id", id, "@session", sessionPrefix+number, "@checkout", checkoutPrefix+number,
		"@intent",
		intentPrefix+number,
		"@number", number, "@total", fmt.Sprint(total)).Replace(eventText)
}

const eventText = `{
  "id": "@id",
  "object": "event",
  "api_version": "2023-10-16",
  "created": 1790000000,
  "data": {
    "object": {
      "id": "@session",
      "object": "checkout.session",
      "after_expiration": null,
      "allow_promotion_codes": null,
      "amount_subtotal": @total,
      "amount_total": @total,
      "automatic_tax": {
        "enabled": false,
        "liability": null,
        "status": null
      },
      "billing_address_collection": "required",
      "cancel_url": "http://127.0.0.1:8080/cart",
      "client_reference_id": "@checkout",
      "client_secret": null,
      "consent": null,
      "consent_collection": null,
      "created": 1789999900,
      "currency": "usd",
      "currency_conversion": null,
      "custom_fields": [],
      "custom_text": {
        "after_submit": null,
        "shipping_address": null,
        "submit": null,
        "terms_of_service_acceptance": null
      },
      "customer": null,
      "customer_creation": "if_required",
      "customer_details": {
        "address": {
          "city": "Springfield",
          "country": "US",
          "line1": "742 Evergreen Terrace",
          "line2": null,
          "postal_code": "97477",
          "state": "OR"
        },
        "email": "buyer@number@mail.example.com",
        "name": "Pat Buyer",
        "phone": "+15555550123",
        "tax_exempt": "none",
        "tax_ids": []
      },
      "customer_email": "buyer@number@mail.example.com",
      "expires_at": 1790003500,
      "invoice": null,
      "invoice_creation": {
        "enabled": false,
        "invoice_data": {
          "account_tax_ids": null,
          "custom_fields": null,
          "description": null,
          "footer": null,
          "metadata": {},
          "rendering_options": null
        }
      },
      "livemode": false,
      "locale": null,
      "metadata": {
        "checkout_id": "@checkout"
      },
      "mode": "payment",
      "payment_intent": "@intent",
      "payment_link": null,
      "payment_method_collection": "if_required",
      "payment_method_options": {},
      "payment_method_types": [
        "card"
      ],
      "payment_status": "paid",
      "phone_number_collection": {
        "enabled": true
      },
      "recovered_from": null,
      "setup_intent": null,
      "shipping_address_collection": {
        "allowed_countries": [
          "US"
        ]
      },
      "shipping_cost": null,
      "shipping_details": {
        "address": {
          "city": "Springfield",
          "country": "US",
          "line1": "742 Evergreen Terrace",
          "line2": null,
          "postal_code": "97477",
          "state": "OR"
        },
        "name": "Pat Buyer"
      },
      "shipping_options": [],
      "status": "complete",
      "submit_type": null,
      "subscription": null,
      "success_url": "http://127.0.0.1:8080/checkout/success?session_id={CHECKOUT_SESSION_ID}",
      "total_details": {
        "amount_discount": 0,
        "amount_shipping": 0,
        "amount_tax": 0
      },
      "ui_mode": "hosted",
      "url": null
    }
  },
  "livemode": false,
  "pending_webhooks": 1,
  "request": {
    "id": null,
    "idempotency_key": null
  },
  "type": "checkout.session.completed"
}`
