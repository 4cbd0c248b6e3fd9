// One order: what was bought, where it is, where it goes and what was paid.
import '../app.js';
import { $, clone, focusOn, load, show } from '../dom.js';
import { get } from '../api.js';
import { drawCode, drawLine, drawTotals, inOrder } from '../lines.js';
import { trackingLink } from '../links.js';
import { drop, recall } from '../store.js';
import { has, shop, t, when } from '../text.js';

const identifier = new URLSearchParams(location.search).get('identifier') ?? '';

async function fill() {
  if (!/^[a-zA-Z0-9]{1,100}$/.test(identifier)) {
    refuse('order-not-found');
    return;
  }
  const answer = await get(`/order/${identifier}`);
  if (answer.order_detail !== 'success') {
    refuse(answer.errors?.error ?? 'order-not-found');
    return;
  }
  draw(answer.order_data);
}

function refuse(reason) {
  const error = has(`order.${reason}`) ? reason : 'order-not-found';
  const login = error === 'log-in-required-to-view-order';
  $('refused-title').textContent = t(`order.${error}`);
  $('refused-text').textContent = t(`order.${error}.text`);
  if (login) {
    $('refused-action').href = `/login?${new URLSearchParams({ next: `account/order?identifier=${identifier}` })}`;
    $('refused-action').textContent = t('header.login');
  }
  show($('refused'));
}

function draw(order) {
  const { order_attributes: head, order_totals: totals, order_shipping_method: method, order_payment_info: payment } = order;
  document.title = `${t('order.title', { number: head.identifier })} · ${shop.name}`;
  $('number').textContent = head.identifier;
  $('date').replaceChildren(moment(head.order_date_time));
  $('lines').replaceChildren(...inOrder(order.order_items?.product_sku_data)
    .map((line) => drawLine(line, { referrer: 'order', order_identifier: identifier }).root));
  $('statuses').replaceChildren(...inOrder(order.order_statuses).map(drawStatus));
  drawParcels(inOrder(order.order_shipments), method);
  $('codes').replaceChildren(...inOrder(order.order_discount_codes).map((code) => drawCode(code).root));
  $('carrier').textContent = method?.carrier ? `(${method.carrier})` : '';
  drawTotals($('totals'), {
    ...totals, sales_tax: head.sales_tax_amt, tax_included: head.tax_included_amt ?? 0, refunded: order.order_refunded,
  }, totals.order_total);
  drawAddress($('shipping-address'), order.order_shipping_address);
  drawAddress($('billing-address'), order.order_billing_address);
  drawPayment(payment);
  show($('order'));
  if (recall('just-ordered') === identifier) {
    drop('just-ordered');
    show($('thanks'));
    focusOn($('thanks'));
  }
}

function drawStatus(status) {
  const { root, slot } = clone('status-template');
  slot('title').textContent = status.title;
  slot('text').textContent = status.description ?? '';
  slot('date').append(moment(status.created_date_time));
  return root;
}

function moment(iso) {
  const time = document.createElement('time');
  time.dateTime = iso;
  time.textContent = when(iso);
  return time;
}

// An order of before there were parcels has the number beside its shipping method.
function drawParcels(parcels, method) {
  const numbered = (parcels.length ? parcels : [method]).filter((parcel) => parcel?.tracking_number);
  const place = $('tracking');
  place.replaceChildren(...numbered.flatMap(drawTracking));
  show(place, numbered.length > 0);
}

function drawTracking(parcel, at) {
  const link = trackingLink(parcel.tracking_code_base_url, parcel.tracking_number);
  const number = document.createElement(link ? 'a' : 'span');
  number.textContent = parcel.tracking_number;
  if (link) {
    number.href = link;
    number.rel = 'noopener noreferrer';
  }
  const label = document.createTextNode(`${t('order.tracking')} `);
  return at ? [document.createElement('br'), label, number] : [label, number];
}

function drawAddress(place, address) {
  const town = [address?.city, [address?.state, address?.zip].filter(Boolean).join(' ')].filter(Boolean).join(', ');
  const rows = [address?.name, address?.address_line1, address?.address_line2, town, address?.country].filter(Boolean);
  place.replaceChildren(...rows.flatMap((row) => [document.createTextNode(row), document.createElement('br')]));
  show(place.closest('section'), rows.length > 0);
}

function drawPayment(payment) {
  show($('payment'), Boolean(payment?.email || payment?.card_last4));
  $('receipt').textContent = payment?.email ? t('order.receipt', { address: payment.email }) : '';
  if (payment?.card_last4) {
    $('card').textContent = t('order.card', { brand: payment.card_brand ?? '', last4: payment.card_last4 });
    show($('card'));
  }
}

$('print').addEventListener('click', () => print());
load(fill);
