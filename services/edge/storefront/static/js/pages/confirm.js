// The last page before paying: who gets the receipt, what is bought, and the way to the payment.
import { cartChanged, onCartElsewhere } from '../app.js';
import { $, focusOn, load, money, openDialog, show } from '../dom.js';
import { busy, formError, setError, showErrors, wire } from '../forms.js';
import { get, post } from '../api.js';
import { blocks, drawCode, drawLine, drawPending, drawState, drawTotals, inOrder } from '../lines.js';
import { whoami } from '../session.js';
import { drop, recall, remember } from '../store.js';
import { has, t } from '../text.js';

// The guest's address outlives the visit to the payment page, and no more than this tab.
const REMEMBERED = 'receipt-address';

let receipt = ''; // where the receipt goes; empty while that is open
let blocked = false;
let shown = ''; // the server's name of what is on the page
const carriers = new Map(); // names of the shipping methods that the page has shown
let sure = false; // that this is to be paid although a debit is under way

/** What the page shows, all parts of one moment: a cart that changes meanwhile is read again. */
async function readCart() {
  for (let turn = 1; ; turn++) {
    const [items, shipping, codes, totals] = await Promise.all([
      get('/order/confirm-items', { quote: 'true' }),
      get('/order/confirm-shipping-method'),
      get('/order/confirm-discount-codes', { quote: 'true' }),
      get('/order/confirm-totals', { quote: 'true' }),
    ]);
    const [, lines, , ...method] = (totals.quote ?? '').split('.');
    const fits = !totals.quote || (codes.quote === totals.quote && items.quote_lines === lines
      && (shipping.confirm_shipping_method?.identifier ?? '') === method.join('.'));
    if (fits || turn === 5) return { items, shipping, codes, totals };
  }
}

async function fill() {
  const [who, { items, shipping, codes, totals }] = await Promise.all([whoami(), readCart()]);
  shown = totals.quote ?? '';
  sure = false;
  show($('changed'), false);
  drawPending($('pending'), items.payment_pending);
  if (!items.checkout_allowed) {
    show($('not-allowed'));
    show($('basket'), false);
    return;
  }
  const lines = inOrder(items.item_data?.product_sku_data);
  if (!items.cart_found || lines.length === 0) {
    show($('empty'));
    show($('basket'), false);
    return;
  }
  $('lines').replaceChildren(...lines.map((line) => {
    const drawn = drawLine(line, { referrer: 'checkout/confirm' });
    drawState(drawn, line);
    return drawn.root;
  }));
  blocked = lines.some(blocks);
  const method = shipping.confirm_shipping_method;
  if (method?.carrier) carriers.set(method.identifier, method.carrier);
  $('method').textContent = method?.carrier ? `${method.carrier}, ${money(method.shipping_cost)}` : t('confirm.no_method');
  const discounts = inOrder(codes.discount_code_data);
  $('codes').replaceChildren(...discounts.map((code) => drawCode(code).root));
  show($('codes-step'), discounts.length > 0);
  drawTotals($('totals'), totals.confirm_totals_data, totals.confirm_totals_data.cart_total);
  show($('newsletter-row'), !who.logged_in);
  if (who.logged_in) receipt = who.email_address;
  else receipt = recall(REMEMBERED) ?? '';
  showWay(who.logged_in);
  show($('empty'), false);
  show($('basket'));
}

/** Shows either the three ways on, or where the receipt goes and the way to pay. */
function showWay(member) {
  const open = receipt === '';
  show($('ways'), open && !blocked);
  show($('receipt'), !open);
  show($('receipt-change'), !member);
  $('receipt-address').textContent = receipt;
  show($('blocked'), blocked);
  show($('pay-form'), !open && !blocked);
  show($('pay-first'), open && !blocked);
}

async function goOnAsGuest(values) {
  const form = $('guest-form');
  const address = values.anonymous_email_address.trim();
  if (!/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(address)) {
    showErrors(form, { anonymous_email_address: [{ type: address ? 'not_valid' : 'required' }] });
    return;
  }
  const answer = await post('/order/anonymous-email-address-payment-lookup', { anonymous_email_address: address });
  if (answer.anonymous_email_address_payment_lookup !== 'success') {
    const type = answer.errors?.error ?? 'unknown';
    const key = `confirm.${type}`;
    formError(form, has(key) ? t(key) : t('errors.unknown'));
    $('guest-email').focus();
    return;
  }
  receipt = address;
  remember(REMEMBERED, address);
  showWay(false);
  focusOn($('receipt-title'));
}

async function changeReceipt() {
  const button = $('receipt-change');
  busy(button, true);
  try {
    await get('/order/change-confirmation-email-address');
  } catch (error) {
    if (!('status' in error)) throw error;
    // The address is only remembered here; the server hears of the new one in any case.
  } finally {
    busy(button, false);
  }
  $('guest-email').value = receipt;
  receipt = '';
  drop(REMEMBERED);
  showWay(false);
  $('guest-email').focus();
}

/** Says what the total and the shipping were, and what they are now. */
function sayChanged({ old, new: now }) {
  const texts = [];
  if (old.total && old.total !== now.total) texts.push(t('confirm.changed_total', { old: money(old.total), new: money(now.total) }));
  if (old.total && old.shipping_method !== now.shipping_method) {
    const name = (method) => carriers.get(method) ?? method;
    texts.push(t('confirm.changed_method', { old: name(old.shipping_method), new: name(now.shipping_method) }));
  }
  $('changed').textContent = [t('confirm.changed'), ...texts, t('confirm.changed_look')].join(' ');
  show($('changed'));
  focusOn($('changed'));
}

/** Names the order that was paid in another tab. */
function sayPaid({ order_identifier: order, description }) {
  $('paid-already-text').textContent = order ? t('confirm.paid_already', { order }) : description;
  show($('paid-already-order'), Boolean(order));
  if (order) $('paid-already-order').href = `/account/order?${new URLSearchParams({ identifier: order })}`;
  show($('empty'), false); // it is empty because it was bought
  show($('paid-already'));
  focusOn($('paid-already'));
  cartChanged();
}

/** Shows a refusal that needs more than a text; false for one that does not. */
async function explain(errors) {
  if (errors?.reason === 'payment-pending') {
    openDialog($('pending-dialog'));
    return true;
  }
  const changed = errors?.error === 'quote-changed';
  if (!changed && errors?.reason !== 'paid-already') return false;
  await load(fill);
  if (changed) sayChanged(errors);
  else sayPaid(errors);
  return true;
}

async function pay(values) {
  const form = $('pay-form');
  show($('changed'), false);
  const agree = form.querySelector('[data-field="agree_to_terms_of_sale"]');
  if (values.agree_to_terms_of_sale !== 'true') {
    setError(agree, t('confirm.terms-of-sale-agreement-required'));
    $('agree').focus();
    return undefined;
  }
  const who = await whoami();
  const answer = await post('/order/create-checkout-session', {
    agree_to_terms_of_sale: 'true',
    newsletter: values.newsletter,
    save_defaults: 'false',
    anonymous_email_address: who.logged_in ? '' : receipt,
    quote: shown,
    ...(sure ? { although_payment_pending: 'true' } : {}),
  });
  if (answer.create_checkout_session === 'success' && /^https?:\/\//.test(answer.checkout_url)) {
    location.assign(answer.checkout_url);
    return 'keep';
  }
  if (await explain(answer.errors)) return undefined;
  const type = answer.errors?.error ?? 'unexpected-error';
  if (['cart-not-found', 'cart-is-empty', 'cart-item-not-in-stock'].includes(type)) await load(fill);
  if (type === 'terms-of-sale-agreement-required') setError(agree, t(`confirm.${type}`));
  else formError(form, answer.errors?.description || t(has(`confirm.${type}`) ? `confirm.${type}` : 'confirm.unexpected-error'));
  return undefined;
}

wire($('guest-form'), goOnAsGuest);
wire($('pay-form'), pay, t('confirm.paying'));
$('pending-no').addEventListener('click', () => $('pending-dialog').close());
$('pending-yes').addEventListener('click', () => {
  $('pending-dialog').close();
  sure = true;
  $('pay-form').requestSubmit();
});
$('receipt-change').addEventListener('click', changeReceipt);
onCartElsewhere(() => load(fill));
load(fill);
