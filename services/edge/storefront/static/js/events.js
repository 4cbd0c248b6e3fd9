// What the shop records about its own pages: views, clicks, failed calls, arrivals by link.
// Nothing waits for these, and a failure of theirs is no one's business.
import { linkCodes, publicAddress } from './links.js';

let person; // promise of { client_event_id, log_client_events }

/** Tells who is looking, once that is known. Events that came before wait for it. */
export function identify(promise) {
  person = promise.catch(() => ({ client_event_id: 'null', log_client_events: true }));
}

function anonymousId() {
  const match = /(?:^|; )anonymousclientevent=([^;]*)/.exec(document.cookie);
  return match ? match[1] : 'undefined';
}

/** Records one event: pageview, ajaxerror, buttonclick or linkevent. */
export async function report(kind, values = {}) {
  const who = (await person) ?? { client_event_id: 'null', log_client_events: true };
  if (!who.log_client_events) return;
  const query = new URLSearchParams({
    client_event_id: String(who.client_event_id),
    anonymous_id: anonymousId(),
    url: publicAddress(location.href).slice(0, 1000),
    ...values,
  });
  try {
    await fetch(`/clientevent/${kind}?${query}`, { credentials: 'omit', keepalive: true });
  } catch {
    // Recording is a convenience of the shop, not of the shopper.
  }
}

/** The host of another site whose link led here, or nothing. */
function referrer() {
  const from = URL.canParse(document.referrer) ? new URL(document.referrer).host : '';
  return from && from !== location.host ? { referrer: from } : {};
}

/** The order that this page shows. The shop keeps a mark of it, which tells the visit that bought. */
function shownOrder() {
  const order = location.pathname === '/account/order' && new URLSearchParams(location.search).get('identifier');
  return order ? { order } : {};
}

/** Records the view of this page, and the codes that its address carries. */
export function reportArrival() {
  report('pageview', { pageWidth: String(document.documentElement.clientWidth), ...referrer(), ...shownOrder() });
  const codes = linkCodes(location.search);
  if (codes) report('linkevent', codes);
}

/** Records errors of scripts, a few per page: one fault often repeats. */
export function watchScripts() {
  let left = 3;
  const record = () => {
    if (left-- > 0) report('ajaxerror', { error_id: 'script-error' });
  };
  addEventListener('error', record);
  addEventListener('unhandledrejection', record);
}
