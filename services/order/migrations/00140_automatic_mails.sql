-- +goose Up

-- Which mails went out by themselves: no cart is reminded of twice, no order asked about twice. An address is reminded
-- once in thirty days.
CREATE TABLE automatic_mail (
  kind  text NOT NULL,              -- of mail
  about text NOT NULL,              -- the cart, or the order's identifier
  email text NOT NULL,              -- in small letters
  at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (kind, about)
);
CREATE INDEX automatic_mail_email ON automatic_mail (email, kind, at);
CREATE INDEX automatic_mail_at ON automatic_mail (at);

-- Who wants to hear once that a SKU can be had again. The row goes with the mail.
CREATE TABLE restock_wish (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku_id  bigint NOT NULL REFERENCES sku ON DELETE CASCADE,
  email   text NOT NULL,
  address text NOT NULL,            -- the e-mail address, keyed and hashed
  at      timestamptz NOT NULL DEFAULT now(),
  UNIQUE (sku_id, address)
);
CREATE INDEX restock_wish_address ON restock_wish (address);
CREATE INDEX restock_wish_email ON restock_wish (lower(email));

-- Addresses whose owner wants no such mail, whoever asks for one.
CREATE TABLE restock_declined (
  address text PRIMARY KEY,
  at      timestamptz NOT NULL DEFAULT now()
);

-- Reviews are asked for some days after a parcel was sent.
CREATE INDEX shipment_shipped ON shipment (shipped_at);
