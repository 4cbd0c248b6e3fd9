-- +goose Up

-- The templates that a new shop starts with. Staff edit them; a repeat changes nothing.
-- +goose StatementBegin
INSERT INTO template (em_cd, subject, type, status, body_text, body_html) VALUES
('gvREoqen93ffZsmBIc8zl', 'Thank you for order {identifier} at {shop_name}', 'Member', 'Ready',
$text$Hello {recipient_first_name},

thank you for shopping at {shop_name}. We have your order and your payment, and this is what will be on its way to you.

{order_information}

See how it is getting on at any time:
{ENVIRONMENT_DOMAIN}/account/order?identifier={identifier}&em_cd={em_cd}&mb_cd={mb_cd}

{line_break}
YOUR ITEMS
{short_line_break}
{product_information}

{line_break}
SHIPPING
{short_line_break}
{shipping_information}

DISCOUNT CODES
{short_line_break}
{discount_information}

{line_break}
TOTALS
{short_line_break}
{order_total_information}

{payment_information}

{line_break}
SHIPS TO
{short_line_break}
{shipping_address_information}

BILLED TO
{short_line_break}
{billing_address_information}

{line_break}
Our terms of sale: {ENVIRONMENT_DOMAIN}/terms-of-sale

Something is not right? Answer this mail, or write to {contact}.
$text$,
$html$<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Your order</title></head>
<body style="margin:0;padding:16px;background:#f4f4f2;color:#222;font-family:Helvetica,Arial,sans-serif;line-height:1.5">
<div style="max-width:600px;margin:0 auto;padding:24px;background:#fff">
<h1 style="font-size:22px">Thank you, {recipient_first_name}</h1>
<p>We have your order at {shop_name} and your payment, and this is what will be on its way to you.</p>
{order_information}
<p><a href="{ENVIRONMENT_DOMAIN}/account/order?identifier={identifier}&amp;em_cd={em_cd}&amp;mb_cd={mb_cd}">See how it is getting on</a></p>
{line_break}
<h2 style="font-size:17px">Your items</h2>
{product_information}
{line_break}
<h2 style="font-size:17px">Shipping</h2>
{shipping_information}
<h2 style="font-size:17px">Discount codes</h2>
{discount_information}
{line_break}
<h2 style="font-size:17px">Totals</h2>
{order_total_information}
{payment_information}
{line_break}
<h2 style="font-size:17px">Ships to</h2>
{shipping_address_information}
<h2 style="font-size:17px">Billed to</h2>
{billing_address_information}
{line_break}
<p><a href="{ENVIRONMENT_DOMAIN}/terms-of-sale">Our terms of sale</a></p>
<p>Something is not right? Answer this mail, or write to <a href="mailto:{contact}">{contact}</a>.</p>
</div></body></html>
$html$),
('FpGyZy6kld9R2XTjqvBQN', 'Thank you for order {identifier} at {shop_name}', 'Prospect', 'Ready',
$text$Hello {recipient_first_name},

thank you for shopping at {shop_name}. We have your order and your payment, and this is what will be on its way to you.

{order_information}

See how it is getting on at any time:
{ENVIRONMENT_DOMAIN}/account/order?identifier={identifier}&em_cd={em_cd}&pr_cd={pr_cd}

{line_break}
YOUR ITEMS
{short_line_break}
{product_information}

{line_break}
SHIPPING
{short_line_break}
{shipping_information}

DISCOUNT CODES
{short_line_break}
{discount_information}

{line_break}
TOTALS
{short_line_break}
{order_total_information}

{payment_information}

{line_break}
SHIPS TO
{short_line_break}
{shipping_address_information}

BILLED TO
{short_line_break}
{billing_address_information}

{line_break}
Our terms of sale: {ENVIRONMENT_DOMAIN}/terms-of-sale

This mail is about your order and nothing else: ordering has not put your address on any marketing list.
{prosepct_email_unsubscribe_str}

Something is not right? Answer this mail, or write to {contact}.
$text$,
$html$<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Your order</title></head>
<body style="margin:0;padding:16px;background:#f4f4f2;color:#222;font-family:Helvetica,Arial,sans-serif;line-height:1.5">
<div style="max-width:600px;margin:0 auto;padding:24px;background:#fff">
<h1 style="font-size:22px">Thank you, {recipient_first_name}</h1>
<p>We have your order at {shop_name} and your payment, and this is what will be on its way to you.</p>
{order_information}
<p><a href="{ENVIRONMENT_DOMAIN}/account/order?identifier={identifier}&amp;em_cd={em_cd}&amp;pr_cd={pr_cd}">See how it is getting on</a></p>
{line_break}
<h2 style="font-size:17px">Your items</h2>
{product_information}
{line_break}
<h2 style="font-size:17px">Shipping</h2>
{shipping_information}
<h2 style="font-size:17px">Discount codes</h2>
{discount_information}
{line_break}
<h2 style="font-size:17px">Totals</h2>
{order_total_information}
{payment_information}
{line_break}
<h2 style="font-size:17px">Ships to</h2>
{shipping_address_information}
<h2 style="font-size:17px">Billed to</h2>
{billing_address_information}
{line_break}
<p><a href="{ENVIRONMENT_DOMAIN}/terms-of-sale">Our terms of sale</a></p>
<p>This mail is about your order and nothing else: ordering has not put your address on any marketing list. {prosepct_email_unsubscribe_str}</p>
<p>Something is not right? Answer this mail, or write to <a href="mailto:{contact}">{contact}</a>.</p>
</div></body></html>
$html$),
('A1jAqhMyLVpBVgxjuknq', 'News from the workshop', 'Prospect', 'Draft',
$text${draft_text}Hello {recipient_first_name},

new things have arrived in the shop, and we would love to hear what you think of them:
{ENVIRONMENT_DOMAIN}/?em_cd={em_cd}&pr_cd={pr_cd}

You would rather not hear from us?
{ENVIRONMENT_DOMAIN}/account/email-unsubscribe?em_cd={em_cd}&pr_cd={pr_cd}&pr_token={pr_token}
$text$,
$html${draft_html}<h1>{msg_subject}</h1>
<p>Hello {recipient_first_name},</p>
<p>new things have arrived in the shop, and we would love to hear what you think of them: <a href="{ENVIRONMENT_DOMAIN}/?em_cd={em_cd}&amp;pr_cd={pr_cd}">have a look</a>.</p>
<p><a href="{ENVIRONMENT_DOMAIN}/account/email-unsubscribe?em_cd={em_cd}&amp;pr_cd={pr_cd}&amp;pr_token={pr_token}">Stop these mails</a></p>
$html$),
('P0Ps5FLIfUUiMpdV3HOB', 'News for members', 'Member', 'Draft',
$text${draft_text}Hello {recipient_first_name},

members see new things first. Here they are:
{ENVIRONMENT_DOMAIN}/?em_cd={em_cd}&mb_cd={mb_cd}

Choose what we write to you about: {ENVIRONMENT_DOMAIN}/account/edit-communication-preferences
Or stop these mails: {ENVIRONMENT_DOMAIN}/account/email-unsubscribe?em_cd={em_cd}&mb_cd={mb_cd}&token={token}
$text$,
$html${draft_html}<h1>{msg_subject}</h1>
<p>Hello {recipient_first_name},</p>
<p>members see new things first: <a href="{ENVIRONMENT_DOMAIN}/?em_cd={em_cd}&amp;mb_cd={mb_cd}">here they are</a>.</p>
<p><a href="{ENVIRONMENT_DOMAIN}/account/edit-communication-preferences">Choose what we write to you about</a>, or
<a href="{ENVIRONMENT_DOMAIN}/account/email-unsubscribe?em_cd={em_cd}&amp;mb_cd={mb_cd}&amp;token={token}">stop these mails</a>.</p>
$html$)
ON CONFLICT (em_cd) DO NOTHING;
-- +goose StatementEnd
