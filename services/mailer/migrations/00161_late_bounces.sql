-- +goose Up

-- Reports that a mail which a server took could not be delivered after all, read from a mailbox.
ALTER TABLE delivery ADD COLUMN bounced text[] NOT NULL DEFAULT '{}';  -- hashes of those of its addresses
ALTER TABLE delivery ADD COLUMN bounce_status text;                    -- RFC 3463, of the last report

-- late: told by a report. That a server takes a mail says nothing then; staff lift it.
ALTER TABLE bounced ADD COLUMN late boolean NOT NULL DEFAULT false;

-- How far a mailbox is read. Mails below uid are done with, as long as the mailbox keeps its validity (RFC 3501, 2.3.1.1).
CREATE TABLE bounce_mailbox (
  name     text PRIMARY KEY,         -- user name, host and folder
  validity bigint NOT NULL,
  uid      bigint NOT NULL,          -- of the last mail that was read
  at       timestamptz NOT NULL DEFAULT now()
);
