// Lines of a cart or an order, totals and codes: drawn alike on all pages that show them.
import { clone, money, picture, show } from './dom.js';
import { cents, times } from './money.js';
import { t } from './text.js';

/** The values of an object keyed "0", "1", … in that order. */
export const inOrder = (object) => Object.values(object ?? {});

/** Color and size, each once. */
function options(line) {
  return [...new Set([line.color, line.size].filter(Boolean))].join(', ');
}

/** Whether a line's item is no longer sold: all that can be done is to take it out. */
export const offSale = (line) => line.sku_inventory__identifier === 'off-sale';

/** Tells of a debit for this cart that a bank still works on. */
export function drawPending(box, pending) {
  if (pending) box.textContent = t('lines.payment_pending', { total: money(pending.total) });
  show(box, Boolean(pending));
}

/** One line. query is added to the product's link so that its page knows the way back. */
export function drawLine(line, query) {
  const { root, slot } = clone('line-template');
  root.dataset.sku = line.sku_id;
  const title = slot('title');
  title.textContent = line.parent_product__title;
  // What is not on sale any more has no stock state, and no page to lead to.
  if (line.parent_product__identifier && line.sku_inventory__title) title.href = `/product?${new URLSearchParams({ name: line.parent_product__title_url, id: line.parent_product__identifier, ...query })}`;
  else title.removeAttribute('href');
  slot('options').textContent = [options(line), line.description].filter(Boolean).join(' · ');
  if (!offSale(line)) {
    slot('each').textContent = t('lines.pieces', { quantity: line.quantity, price: money(line.price) });
    slot('sum').textContent = money(times(line.price, line.quantity));
  }
  if (line.sku_image_url) slot('picture').append(picture(line.sku_image_url, '', '6rem'));
  return { root, slot };
}

/** Shows a line's stock state unless it can be bought. */
export function drawState({ slot }, line) {
  const state = slot('state');
  const open = line.sku_inventory__identifier && line.sku_inventory__identifier !== 'in-stock';
  state.textContent = open ? t('lines.state', { state: line.sku_inventory__title }) : '';
  show(state, Boolean(open));
}

/** Whether a line keeps the cart from being checked out. */
export const blocks = (line) => Boolean(line.sku_inventory__identifier) && line.sku_inventory__identifier !== 'in-stock';

/** Fills the totals; rows of nothing stay away. */
export function drawTotals(list, data, total) {
  for (const cell of list.querySelectorAll('[data-total]')) {
    const name = cell.dataset.total;
    const amount = name === 'total' ? total : data[name];
    const discount = name.includes('discount');
    cell.textContent = discount && cents(amount) > 0n ? `−${money(amount)}` : money(amount);
    if (discount || name === 'sales_tax' || name === 'tax_included' || name === 'refunded') show(cell.parentElement, cents(amount) > 0n);
  }
}

/** What a code is worth, in words; its description may hold {} for the amount. */
export function codeText(code) {
  const amount = String(code.discount_amount ?? '').replace(/\.00$/, '');
  return String(code.description ?? '').replace('{}', amount);
}

/** One code with its state and, when it counts for nothing, the reason. */
export function drawCode(code) {
  const drawn = clone('code-template');
  drawn.slot('name').textContent = code.code;
  drawn.slot('state').textContent = t(code.discount_applied ? 'codes.applied' : 'codes.not_applied');
  drawn.root.classList.toggle('code--off', !code.discount_applied);
  const reason = code.discount_applied ? '' : whyNot(code);
  drawn.slot('text').textContent = [codeText(code), reason].filter(Boolean).join(' ');
  return drawn;
}

function whyNot(code) {
  if (code.end_date_time && new Date(code.end_date_time) < new Date()) return t('codes.expired');
  if (cents(code.order_minimum) > 0n) return t('codes.minimum', { amount: money(code.order_minimum) });
  if (!code.combinable) return t('codes.alone');
  return t('codes.nothing');
}
