// What a search would find, while someone types: a list box below the search box, as the ARIA practices describe an
// editable combobox with list autocomplete. Without it the form leads to /search.
import { get } from './api.js';
import { announce, money, picture, show } from './dom.js';
import { t } from './text.js';

const PAUSE = 120; // milliseconds without a key before the shop is asked
const SHORTEST = 2;
const MOST = 6;

/** Makes a link of the list. Texts stay texts. */
function option(id, href, parts, className) {
  const link = document.createElement('a');
  link.id = id;
  link.href = href;
  link.tabIndex = -1;
  link.className = className ?? '';
  link.setAttribute('role', 'option');
  link.setAttribute('aria-selected', 'false');
  link.append(...parts);
  return link;
}

function text(className, content) {
  const span = document.createElement('span');
  span.className = className;
  span.textContent = content;
  return span;
}

function product(id, item) {
  const parts = [];
  if (item.product_image_url) parts.push(picture(item.product_image_url, '', '3rem'));
  parts.push(text('suggestions__text', item.title));
  if (item.price_low) parts.push(text('suggestions__price', money(item.price_low)));
  return option(id, `/product/${item.identifier}`, parts);
}

/** Watches a search form; its box has the focus already. */
export function start(form) {
  const box = form.querySelector('input');
  const list = document.createElement('div');
  list.id = `${box.id}-suggestions`;
  list.className = 'suggestions';
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', t('search.label'));
  show(list, false);
  form.append(list);
  for (const [name, value] of [['role', 'combobox'], ['aria-autocomplete', 'list'], ['aria-expanded', 'false'], ['aria-controls', list.id]]) {
    box.setAttribute(name, value);
  }
  let asked = '';
  let timer = 0;
  let chosen = -1;

  const open = (visible) => {
    show(list, visible);
    box.setAttribute('aria-expanded', String(visible));
    if (!visible) choose(-1);
  };

  function choose(index) {
    chosen = index;
    [...list.querySelectorAll('a')].forEach((link, i) => {
      link.setAttribute('aria-selected', String(i === index));
      if (i === index) link.scrollIntoView({ block: 'nearest' });
    });
    if (index < 0) box.removeAttribute('aria-activedescendant');
    else box.setAttribute('aria-activedescendant', list.querySelectorAll('a')[index].id);
  }

  function fill(q, answer) {
    const items = Object.values(answer.products_data).slice(0, MOST);
    list.replaceChildren(...items.map((item, i) => product(`${list.id}-${i}`, item)));
    if (answer.count > items.length) {
      list.append(option(`${list.id}-all`, `/search?${new URLSearchParams({ q })}`, [t('search.all', { count: answer.count })],
        'suggestions__all'));
    }
    if (items.length === 0) {
      const nothing = document.createElement('p');
      nothing.textContent = t('search.nothing');
      list.append(nothing);
    }
    choose(-1);
    open(true);
    announce(items.length ? t('search.found', { count: items.length }) : t('search.nothing'));
  }

  async function ask() {
    const q = box.value.trim();
    if (q === asked) return;
    asked = q;
    if (q.length < SHORTEST) {
      open(false);
      return;
    }
    try {
      const answer = await get('/order/products', { q });
      if (q === asked && document.activeElement === box) fill(q, answer);
    } catch (error) {
      if (!('status' in error)) throw error;
      open(false); // the form leads to the page with results, or with what is wrong
    }
  }

  box.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  box.addEventListener('keydown', (event) => {
    const links = list.querySelectorAll('a');
    if (event.key === 'Escape' && !list.hidden) {
      event.preventDefault();
      open(false);
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && links.length > 0) {
      event.preventDefault();
      if (list.hidden) open(true);
      const step = event.key === 'ArrowDown' ? 1 : -1;
      const places = links.length + 1; // the box itself is one
      choose(((chosen + 1 + step + places) % places) - 1);
    } else if (event.key === 'Enter' && chosen >= 0 && !list.hidden) {
      event.preventDefault();
      links[chosen].click();
    }
  });
  form.addEventListener('focusout', (event) => {
    if (!form.contains(event.relatedTarget)) open(false);
  });
  list.addEventListener('mousedown', (event) => event.preventDefault()); // the box keeps the focus until the click
}
