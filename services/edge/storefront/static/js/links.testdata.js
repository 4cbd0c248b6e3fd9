// Forms of addresses that try to lead away from the shop, for node's tests and for Chromium's.

const PREFIXES = [
  '', '/', '//', '///', '////', './/', '..//', '/.//', '/..//', '/./', '/.///', './/..//', '/a/..//', 'a/..//', '/a/b/../..//', '/a/./..//',
  '/..//..//', '/%2e//', '/%2e%2e//', '/.%2e//', '/%2E.//', '/a/%2e%2e//', 'a/%2e%2e//', '/a/.%2E//', '%2e//', '%2e%2e//',
  '\\', '\\\\', '/\\', '\\/', '/.\\/', './\\', '/\\\\', '/a\\..\\\\', '.\\\\', '/..\\\\',
  '\t//', '/\t/', '/\n/', '\r\n//', '\n//', ' //', '/ /', '/.\t//', '/.\n/\r/', '.\t//', '\u0000//', '/\u0000/',
  'https:', 'https:/', 'https://', 'https:\\\\', 'HtTpS://', 'http:', 'http://', 'https:///', ' https://', 'h\tttps://', '\u0001https://',
  'javascript:alert(1)//', 'JaVaScRiPt:alert(1)//', 'java\nscript:alert(1)//', 'data:text/html,<script>alert(1)</script>', 'vbscript:x//',
  'file://', 'blob:https://', 'mailto:a@', 'ws://', 'view-source:https://', 'about:blank#', 'filesystem:https://',
  '//user:pw@', 'https://user:pw@', '//shop.example@', 'https://shop.example@', 'https://shop.example:443@', '/.//user@', '@', '/@', '//@',
  '%2f%2f', '/%2f', '/%2F/', '%5c%5c', '/%5c', '%09//', '/%09/', '/%0a/', '/.//%2f', '//%2f%2f',
  '\u2028//', '\u3000//', '\uff0f\uff0f', '/\uff0f', '\u2044\u2044', '/\u200b/', '/\ufeff/', '\ufeff//', '\u00a0//',
  '/;//', '/?//', '/#//', '?//', '#//', ';//', ':///', '://', '/:', '*//',
];
const HOSTS = ['evil.example', 'evil.example/x', 'shop.example.evil.example', 'evil.example:443/?next=//evil.example', '2130706433', '[::1]/'];

export const forms = PREFIXES.flatMap((prefix) => HOSTS.map((host) => prefix + host));

const PIECES = [
  '/', '/', '/', '\\', '.', '..', '%2e', '%2E', '%2f', '%5c', '\t', '\n', '\r', ' ', '\u0000', '?', '#', '@', ':', ';', 'a', 'account', 'https:', 'javascript:',
  'data:', 'evil.example', 'evil.example', 'shop.example', 'user:pw@', '[::1]', '\u2028', '\uff0f', '\ufeff', '\ud800', '%', '%00', '%zz', '&', '=', '//', './/',
];

/** Addresses of up to twelve pieces, by a generator that a seed makes repeatable. */
export function* randomForms(seed, count) {
  let state = seed >>> 0;
  const random = (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  for (let i = 0; i < count; i++) {
    let form = '';
    for (let left = 1 + random(12); left > 0; left--) form += PIECES[random(PIECES.length)];
    yield form;
  }
}

/**
 * What is wrong with where a form leads, or null. It is resolved from pages of several depths, and,
 * where there is a document, as a link and by a form as well.
 */
export function leadsAway(safeNext, form, origin) {
  const path = safeNext(form, origin);
  for (const page of ['/login', '/login/index.html', '/a/b/c/']) {
    const url = new URL(path, origin + page);
    if (url.origin !== origin || !/^https?:$/.test(url.protocol) || url.username || url.password) return `${path} from ${page} is ${url.href}`;
  }
  if (typeof document !== 'undefined') {
    const link = document.createElement('a');
    link.href = path;
    if (link.origin !== origin) return `the link ${path} is ${link.href}`;
    const target = document.createElement('form');
    target.action = path;
    if (new URL(target.action).origin !== origin) return `the form ${path} is ${target.action}`;
  }
  return null;
}
