-- +goose Up

-- The mails about what became of an order. Staff edit them; a repeat changes nothing.
-- +goose StatementBegin
INSERT INTO template (em_cd, subject, type, status, body_text, body_html) VALUES
('iqTDAc8JhIQyg73rtu7UO', 'Order {identifier} at {shop_name} is on its way', 'Member', 'Ready',
$text$Hello {recipient_first_name},

a parcel of your order is on its way to you.

{tracking_information}

{line_break}
IN THIS PARCEL
{short_line_break}
{parcel_information}

{rest_information}

{line_break}
SHIPS TO
{short_line_break}
{shipping_address_information}

Your order:
{order_link}

{line_break}
Something is not right? Answer this mail, or write to {contact}.
$text$,
$html$<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Your order</title></head>
<body style="margin:0;padding:16px;background:#f4f4f2;color:#222;font-family:Helvetica,Arial,sans-serif;line-height:1.5">
<div style="max-width:600px;margin:0 auto;padding:24px;background:#fff">
<h1 style="font-size:22px">On its way, {recipient_first_name}</h1>
<p>A parcel of your order {identifier} is on its way to you.</p>
{tracking_information}
{line_break}
<h2 style="font-size:17px">In this parcel</h2>
{parcel_information}
{rest_information}
{line_break}
<h2 style="font-size:17px">Ships to</h2>
{shipping_address_information}
<p><a href="{order_link}">Your order</a></p>
{line_break}
<p>Something is not right? Answer this mail, or write to <a href="mailto:{contact}">{contact}</a>.</p>
</div></body></html>
$html$),
('XxvKKimizGBBl264sB3oe', 'Refund for order {identifier} at {shop_name}', 'Member', 'Ready',
$text$Hello {recipient_first_name},

we have given back {refund_amount} of order {identifier}. It goes the way that you paid; banks take up to ten days to show it.

{refund_information}

Your order:
{order_link}

{line_break}
Something is not right? Answer this mail, or write to {contact}.
$text$,
$html$<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Your order</title></head>
<body style="margin:0;padding:16px;background:#f4f4f2;color:#222;font-family:Helvetica,Arial,sans-serif;line-height:1.5">
<div style="max-width:600px;margin:0 auto;padding:24px;background:#fff">
<h1 style="font-size:22px">Your refund, {recipient_first_name}</h1>
<p>We have given back <strong>{refund_amount}</strong> of order {identifier}. It goes the way that you paid; banks take up to ten days to show it.</p>
{refund_information}
<p><a href="{order_link}">Your order</a></p>
{line_break}
<p>Something is not right? Answer this mail, or write to <a href="mailto:{contact}">{contact}</a>.</p>
</div></body></html>
$html$),
('QF7uyedG40BFKlUvE2cBE', 'Order {identifier} at {shop_name} is canceled', 'Member', 'Ready',
$text$Hello {recipient_first_name},

we have canceled your order {identifier}. Nothing of it will be sent.

{canceled_refund_information}

Your order:
{order_link}

{line_break}
Something is not right? Answer this mail, or write to {contact}.
$text$,
$html$<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Your order</title></head>
<body style="margin:0;padding:16px;background:#f4f4f2;color:#222;font-family:Helvetica,Arial,sans-serif;line-height:1.5">
<div style="max-width:600px;margin:0 auto;padding:24px;background:#fff">
<h1 style="font-size:22px">Order canceled</h1>
<p>Hello {recipient_first_name}, we have canceled your order {identifier}. Nothing of it will be sent.</p>
{canceled_refund_information}
<p><a href="{order_link}">Your order</a></p>
{line_break}
<p>Something is not right? Answer this mail, or write to <a href="mailto:{contact}">{contact}</a>.</p>
</div></body></html>
$html$)
ON CONFLICT DO NOTHING;
-- +goose StatementEnd
