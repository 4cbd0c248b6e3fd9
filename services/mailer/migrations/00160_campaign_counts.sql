-- +goose Up

-- What became of the mails of campaigns, counted with each change, so that a page reads a few rows however many
-- receivers there are. The shards, eight of the delivery's id, keep senders from waiting for one another.
CREATE TABLE campaign_count (
  campaign_id  bigint NOT NULL REFERENCES campaign,
  shard        int NOT NULL,
  accepted     bigint NOT NULL DEFAULT 0,  -- by a mail server
  bounced      bigint NOT NULL DEFAULT 0,  -- refused for good
  failed       bigint NOT NULL DEFAULT 0,  -- not sent for another reason
  suppressed   bigint NOT NULL DEFAULT 0,  -- held back by the ceiling of an address
  dropped      bigint NOT NULL DEFAULT 0,  -- taken back, or not wanted any more when it was due
  unsubscribed bigint NOT NULL DEFAULT 0,  -- receivers who want no newsletters any more
  PRIMARY KEY (campaign_id, shard)
);

INSERT INTO campaign_count (campaign_id, shard, accepted, bounced, failed, suppressed, dropped, unsubscribed)
SELECT n.campaign_id, 0, count(*) FILTER (WHERE d.state = 'sent'),
  count(*) FILTER (WHERE d.state = 'parked' AND d.smtp_reply LIKE '5%'),
  count(*) FILTER (WHERE d.state = 'parked' AND coalesce(d.smtp_reply, '') NOT LIKE '5%'),
  count(*) FILTER (WHERE d.state = 'suppressed'),
  greatest(0, (SELECT c.receivers FROM campaign c WHERE c.id = n.campaign_id) - count(*)),
  count(*) FILTER (WHERE d.state = 'sent' AND (m.unsubscribed OR NOT m.newsletter OR p.unsubscribed))
FROM newsletter n JOIN delivery d ON d.newsletter_id = n.id
  LEFT JOIN recipient m ON m.kind = 'member' AND m.id = d.member_id
  LEFT JOIN recipient p ON p.kind = 'prospect' AND p.code = d.prospect_code
WHERE n.campaign_id IS NOT NULL GROUP BY n.campaign_id;

-- The newsletters that a prospect got, for when that person ends them.
CREATE INDEX delivery_newsletter_prospect ON delivery (prospect_code)
  WHERE newsletter_id IS NOT NULL AND prospect_code IS NOT NULL;

-- Why a scheduled campaign did not start; empty once staff have seen to it.
ALTER TABLE campaign ADD COLUMN problem text NOT NULL DEFAULT '';
