// What every page does: who is looking, the header, the terms of use, the chat box, the records.
import { $, openDialog, show } from './dom.js';
import { report, reportArrival, watchScripts } from './events.js';
import { askAgain, whoami } from './session.js';
import { cookie, keepsCookies } from './api.js';
import { t } from './text.js';

const bus = 'BroadcastChannel' in globalThis ? new BroadcastChannel('shop') : null;

/** Shows the number of lines in the cart. */
function showCartCount(count) {
  $('cart-count').textContent = count;
  show($('cart-badge'), count > 0);
}

/** Tells this page's header and the shop's other tabs that the cart has changed. */
export function cartChanged(count) {
  if (count !== undefined) showCartCount(count);
  bus?.postMessage('cart');
}

/** Runs when the cart was changed in another tab, or when this page comes back into view. */
export function onCartElsewhere(work) {
  bus?.addEventListener('message', (event) => { if (event.data === 'cart') work(); });
  addEventListener('pageshow', (event) => { if (event.persisted) work(); });
}

function showPerson(who) {
  if (who.unknown) return;
  showCartCount(who.cart_item_count ?? 0);
  const link = $('account-link');
  const initials = $('account-initials');
  link.href = who.logged_in ? '/account' : '/login';
  $('account-label').textContent = t(who.logged_in ? 'header.account' : 'header.login');
  initials.textContent = who.member_initials ?? '';
  show(initials, Boolean(who.logged_in));
}

function termsForVisitor() {
  if (cookie('termsofserviceagreed')) return;
  const banner = $('terms-banner');
  show(banner);
  $('terms-banner-agree').addEventListener('click', () => {
    const secure = location.protocol === 'https:' ? '; Secure' : '';
    document.cookie = `termsofserviceagreed=true; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    show(banner, false);
    $('main').focus({ preventScroll: true });
  });
}

function openChat(who) {
  report('buttonclick', { button_id: 'chat-icon' });
  openDialog($('chat'));
  import('./chat.js').then((chat) => chat.start(who));
}

/** Suggestions while someone types, loaded when they first turn to a search box. */
function watchSearch() {
  for (const form of document.querySelectorAll('[data-search]')) {
    form.addEventListener('focusin', () => import('./suggest.js').then((suggest) => suggest.start(form)), { once: true });
  }
}

async function start() {
  watchScripts();
  watchSearch();
  $('chat-open').addEventListener('click', async () => openChat(await whoami()));
  for (const link of document.querySelectorAll('[data-open-chat]')) {
    show(link);
    link.addEventListener('click', async () => openChat(await whoami()));
  }
  $('chat-close').addEventListener('click', () => $('chat').close());
  $('chat').addEventListener('close', () => report('buttonclick', { button_id: 'chat-icon-close' }));
  show($('chat-open'));
  onCartElsewhere(async () => showPerson(await askAgain()));

  const who = await whoami();
  showPerson(who);
  show($('no-cookies'), !who.unknown && !keepsCookies());
  reportArrival();
  if (!who.logged_in) termsForVisitor();
  else import('./terms.js').then((terms) => terms.check());
}

start();
