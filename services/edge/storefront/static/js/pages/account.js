// The account: orders, details, settings, and the confirmation of the e-mail address.
import { cartChanged } from '../app.js';
import { $, clone, load, money, show, troubleText } from '../dom.js';
import { busy } from '../forms.js';
import { get, post } from '../api.js';
import { inOrder } from '../lines.js';
import { goTo, goToLogin, say, showMessage } from '../messages.js';
import { dropAll } from '../store.js';
import { listSessions } from '../sessions.js';
import { t, when } from '../text.js';

const code = new URLSearchParams(location.search).get('email_verification_code');

/** The member's content, or null for a visitor. */
async function content() {
  const { account_content: found } = await get('/user/account-content');
  return found.authenticated === 'true' ? found : null;
}

async function fill() {
  let member = await content();
  if (member && code) {
    await redeem();
    member = await content();
  }
  if (member) draw(member);
  else if (code) goToLogin();
  else show($('visitor'));
}

/** Redeems the code of a mailed link once, and takes it out of the address. */
async function redeem() {
  if (!new URLSearchParams(location.search).has('email_verification_code')) return;
  const answer = await post('/user/verify-email-address-response', { email_verification_code: code });
  const outcome = answer.verify_email_address_response;
  if (outcome === 'user_not_authenticated') return;
  history.replaceState(null, '', location.pathname);
  say(t(`account.${outcome}`), outcome !== 'success');
}

function draw({ personal_data: person, email_data: email, orders_data: orders }) {
  const facts = {
    name: `${person.first_name} ${person.last_name}`,
    username: person.username,
    email: email.email_address,
    joined: when(person.joined_date_time, { dateStyle: 'long' }),
    last_login: when(person.last_login_date_time),
    terms: when(person.terms_of_use_agreed_date_time, { dateStyle: 'long' }),
    preferences: t(`account.${preference(person)}`),
  };
  for (const [name, text] of Object.entries(facts)) document.querySelector(`[data-fact="${name}"]`).textContent = text || '–';
  $('email-state').textContent = t(email.email_verified ? 'account.verified' : 'account.not_verified');
  drawVerify(email);
  $('email-state').classList.toggle('tag--warn', !email.email_verified);
  const rows = inOrder(orders).map(drawOrder);
  $('orders').replaceChildren(...rows);
  show($('orders'), rows.length > 0);
  show($('no-orders'), rows.length === 0);
  show($('logout'));
  show($('account'));
  listSessions().catch((error) => {
    if (!('status' in error)) throw error; // the rest of the page is there without it
  });
}

function preference(person) {
  if (person.email_unsubscribed) return 'unsubscribed';
  return person.newsletter_subscriber ? 'newsletter_on' : 'newsletter_off';
}

function drawVerify(email) {
  const sent = email.verification_request_sent_within_24_hours;
  show($('verify'), !email.email_verified);
  $('verify-text').textContent = t(sent ? 'account.verify_waiting' : 'account.verify_open', { address: email.email_address });
  $('verify-send').onclick = () => sendLink(email.email_address);
}

async function sendLink(address) {
  const button = $('verify-send');
  busy(button, true, t('forms.working'));
  try {
    const answer = await get('/user/verify-email-address');
    if (answer.verify_email_address === 'user_not_authenticated') {
      goToLogin();
      return;
    }
    const sent = answer.verify_email_address === 'verification_email_sent';
    $('verify-text').textContent = t(sent ? 'account.verify_sent' : 'account.verify_failed', { address });
  } catch (error) {
    if (!('status' in error)) throw error;
    $('verify-text').textContent = troubleText(error);
  } finally {
    busy(button, false);
  }
}

function drawOrder(order) {
  const { root, slot } = clone('order-template');
  slot('link').href = `/account/order?${new URLSearchParams({ identifier: order.identifier })}`;
  slot('number').textContent = order.identifier;
  slot('total').textContent = money(order.order_total);
  slot('date').textContent = when(order.order_date_time, { dateStyle: 'long' });
  return root;
}

async function logout() {
  const button = $('logout');
  busy(button, true);
  try {
    await get('/user/logout');
    dropAll();
    cartChanged(0);
    goTo('/login', 'logged-out');
  } catch (error) {
    if (!('status' in error)) throw error;
    busy(button, false);
    say(troubleText(error), true);
  }
}

$('logout').addEventListener('click', logout);
showMessage();
load(fill);
