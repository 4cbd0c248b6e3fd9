// Small helpers around the page's own elements. Markup stays in the templates; texts from outside
// only ever become text.
import { NO_COOKIES } from './status.js';
import { pictures, shop, t } from './text.js';
import { format } from './money.js';

export const $ = (id) => document.getElementById(id);

/** Shows or hides elements. */
export function show(element, visible = true) {
  element.hidden = !visible;
}

/** A copy of a template's content, with a way to its slots. */
export function clone(id) {
  const root = $(id).content.firstElementChild.cloneNode(true);
  return { root, slot: (name) => (root.dataset.slot === name ? root : root.querySelector(`[data-slot="${name}"]`)) };
}

/** The widths of a picture that was uploaded, as its name tells them; they are those of pkg/media. */
function uploaded(url) {
  const parts = /^(\/media\/[0-9a-f]{32})-(\d+)\.jpg$/.exec(url);
  if (!parts) return '';
  const own = Number(parts[2]);
  return [400, 800, 1200, 1600].filter((w) => w < own).concat(own).map((w) => `${parts[1]}-${w}.jpg ${w}w`).join(', ');
}

/** A product picture in the sizes that exist. */
export function picture(url, alt, sizes) {
  const set = pictures[url] ?? uploaded(url);
  const image = new Image(160, 160);
  image.alt = alt;
  image.loading = 'lazy';
  if (set) {
    image.sizes = sizes;
    image.srcset = set;
  }
  image.src = url;
  return image;
}

export const money = (amount) => format(amount, shop.sign);

/** Says something to those who listen instead of looking. */
export function announce(text) {
  const status = $('status');
  status.textContent = '';
  requestAnimationFrame(() => { status.textContent = text; });
}

/** Words for a call that failed. */
export function troubleText(error) {
  if (error.status === 429) {
    return error.retryAfter
      ? t('trouble.slow_down_for', { minutes: Math.ceil(error.retryAfter / 60) })
      : t('trouble.slow_down');
  }
  if (error.status === 0) return t('trouble.network');
  if (error.status === NO_COOKIES) return t('trouble.no_cookies');
  return t('trouble.server');
}

/** Shows the page's trouble box with a button that tries again. */
export function trouble(error, retry) {
  const loading = $('loading');
  if (loading) show(loading, false);
  $('trouble-text').textContent = troubleText(error);
  show($('trouble'));
  $('trouble-retry').onclick = () => {
    show($('trouble'), false);
    if (loading) show(loading);
    retry();
  };
}

/** Runs a page's loading function, and again on request when it fails. */
export async function load(work) {
  try {
    await work();
    if ($('loading')) show($('loading'), false);
  } catch (error) {
    if (!('status' in error)) throw error;
    trouble(error, () => load(work));
  }
}

/** Moves the focus to a part that has just appeared. */
export function focusOn(element) {
  if (!element.hasAttribute('tabindex')) element.tabIndex = -1;
  element.focus();
}

/** Opens a dialog; Escape, its own buttons and a click beside it close it. */
export function openDialog(dialog) {
  if (!dialog.dataset.ready) {
    dialog.dataset.ready = 'true';
    dialog.addEventListener('click', (event) => {
      if (event.target === dialog) dialog.close();
    });
  }
  dialog.showModal();
}
