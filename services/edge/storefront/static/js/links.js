// What addresses of this shop carry, old links included.

/** Parameters of the address that are secrets and must not reach the page-view records. */
const SECRETS = ['email_verification_code', 'password_reset_code', 'token', 'pr_token', 'session_id'];

/**
 * Where to go after a login: a path of this shop, or the fallback. Anything that could lead to
 * another site ("//evil", "https:evil", "\evil") is refused.
 */
export function safeNext(next, origin, fallback = '/account') {
  if (!next || next.includes('\\') || [...next].some((letter) => letter < ' ')) return fallback;
  const path = next.startsWith('/') ? next : `/${next}`;
  let url;
  try {
    url = new URL(path, origin);
  } catch {
    return fallback;
  }
  if (url.origin !== new URL(origin).origin || path.startsWith('//')) return fallback;
  return url.pathname + url.search + url.hash;
}

/** The page's address as the records may know it: without tokens and codes. */
export function publicAddress(href) {
  const url = new URL(href);
  for (const name of SECRETS) {
    if (url.searchParams.has(name)) url.searchParams.set(name, '-');
  }
  return url.href;
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
