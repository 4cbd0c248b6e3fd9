// Back from the payment page: waits until there is an order, and says so meanwhile.
import { cartChanged } from '../app.js';
import { $, focusOn, show } from '../dom.js';
import { CallError, get } from '../api.js';
import { drop, remember } from '../store.js';
import { pause } from '../wait.js';
import { t } from '../text.js';

const PATIENCE = 10 * 60_000;

const session = new URLSearchParams(location.search).get('session_id');

const notFound = $('failed-title').textContent;

/** Ends the waiting. What staff see to is nothing to look for again. */
function fail(key, withStaff = false) {
  show($('waiting'), false);
  $('failed-title').textContent = withStaff ? t('success.staff') : notFound;
  $('failed-text').textContent = t(`success.${key}`);
  show($('again'), !withStaff);
  show($('failed'));
  focusOn($('failed-title'));
}

/** The bank debit is under way: the page goes on asking, and says that no one needs to wait for it. */
function pending() {
  $('waiting-title').textContent = t('success.bank_title');
  $('waiting-text').textContent = t('success.bank');
  $('waiting-note').textContent = t('success.bank_note');
}

function refused() {
  cartChanged();
  show($('waiting'), false);
  show($('refused'));
  focusOn($('refused-title'));
}

function done(identifier) {
  const address = `/account/order?${new URLSearchParams({ identifier })}`;
  remember('just-ordered', identifier);
  drop('receipt-address');
  cartChanged();
  $('order-link').href = address;
  show($('waiting'), false);
  show($('done'));
  location.replace(address);
}

/** One question: true when there is nothing left to wait for. */
async function ask() {
  let answer;
  try {
    answer = await get('/order/checkout-session-success', { session_id: session, payment: 'true' });
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    if (error.status !== 0 && error.status < 500 && error.status !== 429) {
      fail('unknown');
      return true;
    }
    $('waiting-text').textContent = t('success.slow');
    return false;
  }
  if (answer.checkout_session_success === 'success') {
    done(answer.order_identifier);
    return true;
  }
  // A paid session of which the shop has no quote is with staff, too: that is all that cart-not-found means here.
  if (answer.errors?.payment === 'with-staff' || answer.errors?.error === 'cart-not-found') {
    fail('staff_text', true);
    return true;
  }
  switch (answer.errors?.error) {
    case 'payment-not-completed':
      if (answer.errors.payment === 'refused') {
        refused();
        return true;
      }
      if (answer.errors.payment === 'pending') {
        pending();
        return false;
      }
      $('waiting-text').textContent = t('success.pending');
      return false;
    case 'unexpected-error':
      $('waiting-text').textContent = t('success.slow');
      return false;
    default:
      fail('unknown');
      return true;
  }
}

async function wait() {
  show($('failed'), false);
  show($('waiting'));
  const until = Date.now() + PATIENCE;
  for (let turn = 0; Date.now() < until; turn++) {
    if (await ask()) return;
    await pause(turn);
  }
  fail('long');
}

$('again').addEventListener('click', wait);
if (session) wait();
else fail('unknown');
