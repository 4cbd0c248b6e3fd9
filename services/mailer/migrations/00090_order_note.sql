-- +goose Up

-- The mail with what a person of the staff writes about an order. Staff edit what stands around it.
-- +goose StatementBegin
INSERT INTO template (em_cd, subject, type, status, body_text, body_html) VALUES
('fkiPtP3djJvoyvdtVXHeP', 'About order {identifier} at {shop_name}', 'Member', 'Ready',
$text$Hello {recipient_first_name},

{note_information}

Your order:
{order_link}

{line_break}
Answer this mail, or write to {contact}.
$text$,
$html$<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Your order</title></head>
<body style="margin:0;padding:16px;background:#f4f4f2;color:#222;font-family:Helvetica,Arial,sans-serif;line-height:1.5">
<div style="max-width:600px;margin:0 auto;padding:24px;background:#fff">
<h1 style="font-size:22px">About your order</h1>
<p>Hello {recipient_first_name},</p>
{note_information}
<p><a href="{order_link}">Your order {identifier}</a></p>
{line_break}
<p>Answer this mail, or write to <a href="mailto:{contact}">{contact}</a>.</p>
</div></body></html>
$html$)
ON CONFLICT DO NOTHING;
-- +goose StatementEnd
