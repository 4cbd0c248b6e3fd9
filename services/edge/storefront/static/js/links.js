// What addresses of this shop carry, old links included.

/**
 * Parameters of the address that stand for a person, an order or a right, or say where to go next: they must not
 * reach the page-view records. The shop cuts the same from what other pages send (pkg/msg/address.go).
 */
const SECRET = /identifier|token|code|_cd|session|next|mail|passw|secret|user|member|name|phone|address|order|return|redirect|clid/i;

/** What another parameter may keep: a few words or a number, nothing as long as a code. */
const PLAIN = /^(?!.*\w{15})[\p{L}\p{N} ._,+/-]{0,40}$/u;

/** Roots of the API: an address below one of them is a call, not a page. */
const CALLS = /^\/+(user|order|clientevent)(\/|$)/i;

/**
 * Where to go after a login: a page of this shop, or the fallback. An address is first resolved as
 * the browser does it; what comes out must be ours, and must still be ours when the browser resolves
 * it once more: "/.//evil" is a path of this shop whose normal form "//evil" is another site.
 */
export function safeNext(next, origin, fallback = '/account') {
  if (!next || next.includes('\\') || [...next].some((letter) => letter < ' ')) return fallback;
  try {
    const home = new URL(origin);
    const url = new URL(next.startsWith('/') ? next : `/${next}`, home);
    const path = url.pathname + url.search + url.hash;
    const again = new URL(path, home);
    if (url.origin !== home.origin || again.origin !== home.origin || again.href !== url.href) return fallback;
    return CALLS.test(decodeURIComponent(url.pathname)) ? fallback : path;
  } catch {
    return fallback; // no address at all, or one that no browser can read back
  }
}

/** The page's address as the records may know it: without tokens, codes, identifiers and the way ahead. */
export function publicAddress(href) {
  const url = new URL(href);
  const kept = [];
  for (const [name, value] of url.searchParams) {
    const known = PLAIN.test(name) || (SECRET.test(name) && /^[a-z_-]{1,40}$/i.test(name));
    kept.push([known ? name : '-', known && !SECRET.test(name) && PLAIN.test(value) ? value : '-']);
  }
  const query = new URLSearchParams(kept).toString();
  const place = /^#[a-z][a-z_-]{0,23}$/.test(url.hash) ? url.hash : '';
  return url.origin + url.pathname + (query && `?${query}`) + place;
}

/**
 * The tracking codes of an address, with the text "null" for those it has not got, or null when
 * they don't make an arrival worth recording: an ad, or a mail together with its reader.
 */
export function linkCodes(search) {
  const query = new URLSearchParams(search);
  const codes = {};
  for (const name of ['mb_cd', 'pr_cd', 'em_cd', 'ad_cd']) codes[name] = query.get(name) || 'null';
  const reader = codes.mb_cd !== 'null' || codes.pr_cd !== 'null';
  return codes.ad_cd !== 'null' || (codes.em_cd !== 'null' && reader) ? codes : null;
}

/** The way back from a product, as the link that led to it says. */
export function wayBack(search) {
  const query = new URLSearchParams(search);
  const order = query.get('order_identifier');
  if (order && /^[a-zA-Z0-9]+$/.test(order)) return { key: 'order', href: `/account/order?identifier=${order}` };
  const referrer = query.get('referrer') ?? '';
  if (/confirm|checkout/.test(referrer)) return { key: 'confirm', href: '/checkout/confirm' };
  if (/cart/.test(referrer)) return { key: 'cart', href: '/cart' };
  return { key: 'products', href: '/products' };
}

/** The page that follows a parcel, or null when there is no number or no such page. */
export function trackingLink(base, number) {
  if (!base || !number || !/^https:\/\//.test(base)) return null;
  return base + encodeURIComponent(number);
}
