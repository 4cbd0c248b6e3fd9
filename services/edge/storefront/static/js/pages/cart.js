// The cart: everything changes in place, and every answer of the server brings the new totals.
import { cartChanged, onCartElsewhere } from '../app.js';
import { $, announce, clone, focusOn, load, money, openDialog, show, trouble, troubleText } from '../dom.js';
import { busy, setError, wire } from '../forms.js';
import { get, post } from '../api.js';
import { blocks, drawCode, drawLine, drawPending, drawState, drawTotals, inOrder, offSale } from '../lines.js';
import { quantityOf, wireStepper } from '../stepper.js';
import { has, t } from '../text.js';

let lines = [];
let last = Promise.resolve(); // the newest change of the cart that was sent
let underWay = 0; // how many are not answered yet
const unsent = new Set(); // quantities that wait for someone to stop pressing: calling one sends it

async function fill() {
  const [items, { shipping, totals }, codes] = await Promise.all([
    get('/order/cart-items'),
    getShipping(),
    get('/order/cart-discount-codes'),
  ]);
  lines = inOrder(items.item_data?.product_sku_data);
  drawPending($('pending'), items.payment_pending);
  if (!items.cart_found || lines.length === 0) {
    showEmpty();
    return;
  }
  drawLines();
  drawShipping(inOrder(shipping.cart_shipping_methods), shipping.shipping_method_selected);
  drawSums({ discount_code_data: codes.discount_code_data, cart_totals_data: totals.cart_totals_data });
  show($('empty'), false);
  show($('basket'));
}

// Asking for the methods gives a cart without one the default, which then counts in the totals.
async function getShipping() {
  const shipping = await get('/order/cart-shipping-methods');
  return { shipping, totals: await get('/order/cart-totals') };
}

function showEmpty() {
  show($('basket'), false);
  show($('empty'));
}

function drawLines() {
  $('lines').replaceChildren(...lines.map(drawCartLine));
  drawBlocked();
}

function drawBlocked() {
  const blocked = lines.some(blocks);
  show($('blocked'), blocked);
  show($('checkout'), !blocked);
}

function drawCartLine(line) {
  const drawn = drawLine(line, { referrer: 'cart' });
  drawState(drawn, line);
  const controls = $('stepper-template').content.firstElementChild.cloneNode(true);
  const input = controls.querySelector('input');
  const id = `quantity-${line.sku_id}`;
  input.id = id;
  input.value = line.quantity;
  const title = [line.parent_product__title, line.color, line.size].filter(Boolean).join(' ');
  input.setAttribute('aria-label', t('cart.quantity_of', { title }));
  controls.querySelector('.field__error').id = `${id}-error`;
  input.setAttribute('aria-describedby', `${id}-error`);
  const [less, more] = controls.querySelectorAll('[data-step]');
  less.setAttribute('aria-label', t('cart.less', { title }));
  more.setAttribute('aria-label', t('cart.more', { title }));
  const remove = controls.querySelector('[data-slot="remove"]');
  remove.setAttribute('aria-label', t('cart.remove', { title }));
  remove.addEventListener('click', () => removeLine(line, drawn.root, remove));
  drawn.slot('quantity').replaceChildren(controls);
  if (offSale(line)) {
    controls.replaceChildren(remove);
    return drawn.root;
  }
  drawn.slot('each').textContent = t('lines.each', { price: money(line.price) });
  const change = changes(line, drawn, controls);
  wireStepper(controls, { min: 1, change });
  return drawn.root;
}

/** Takes new quantities and sends the last one once someone has stopped pressing. */
function changes(line, drawn, controls) {
  let timer;
  let wanted;
  const send = () => {
    clearTimeout(timer);
    unsent.delete(send);
    const quantity = wanted;
    return inTurn(async () => {
      try {
        const answer = await post('/order/cart-update-sku-quantity', { sku_id: line.sku_id, quantity });
        if (answer.cart_update_sku_quantity !== 'success') {
          await load(fill);
          return;
        }
        line.quantity = quantity;
        drawn.slot('sum').textContent = money(answer.sku_subtotal);
        drawSums(answer);
        sayTotal(answer);
        cartChanged();
      } catch (error) {
        setError(controls, troubleText(error));
      }
    });
  };
  return (text) => {
    clearTimeout(timer);
    unsent.delete(send);
    wanted = quantityOf(text);
    if (wanted === null) {
      setError(controls, t('errors.quantity.out_of_range'));
      return;
    }
    setError(controls, '');
    unsent.add(send);
    timer = setTimeout(send, 250);
  };
}

/** Changes go to the server one after the other, so that it hears the last one last. */
function inTurn(change) {
  underWay++;
  const mine = last.then(change).finally(() => { underWay--; });
  last = mine.catch(() => {});
  return mine;
}

/** No one goes to the checkout with a cart that the server has not heard of yet. */
async function checkOut(event) {
  const link = $('checkout');
  const wrong = () => $('lines').querySelector('[aria-invalid="true"]');
  if (unsent.size === 0 && underWay === 0 && !wrong()) return;
  event.preventDefault();
  if (link.ariaBusy) return;
  busy(link, true, t('forms.working'));
  for (const send of unsent) send();
  await last;
  busy(link, false);
  if (wrong()) wrong().focus();
  else if ($('trouble').hidden && !link.hidden) location.assign(link.href);
}

async function removeLine(line, row, button) {
  busy(button, true);
  try {
    const answer = await post('/order/cart-remove-sku', { sku_id: line.sku_id });
    if (answer.cart_remove_sku !== 'success') {
      await load(fill);
      return;
    }
    lines = lines.filter((other) => other !== line);
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    cartChanged(answer.cart_item_count);
    if (lines.length === 0) {
      await post('/order/cart-delete-cart');
      showEmpty();
      focusOn($('empty'));
      announce(t('cart.now_empty'));
      return;
    }
    next?.querySelector('a')?.focus();
    drawBlocked();
    const { shipping, totals } = await getShipping(); // removing dropped the chosen method
    drawShipping(inOrder(shipping.cart_shipping_methods), shipping.shipping_method_selected);
    drawSums({ ...answer, cart_totals_data: totals.cart_totals_data });
    sayTotal(totals);
  } catch (error) {
    busy(button, false);
    if (!('status' in error)) throw error;
    trouble(error, () => load(fill));
  }
}

function drawShipping(methods, selected) {
  const rows = methods.map((method) => {
    const { root, slot } = clone('method-template');
    const radio = root.querySelector('input');
    radio.value = method.identifier;
    radio.checked = method.identifier === selected;
    slot('carrier').textContent = method.carrier;
    slot('price').textContent = money(method.shipping_cost);
    radio.addEventListener('change', () => inTurn(() => choose(method)));
    return root;
  });
  $('shipping').replaceChildren(...rows);
}

async function choose(method) {
  try {
    const answer = await post('/order/cart-update-shipping-method', { shipping_method_identifier: method.identifier });
    if (answer.cart_update_shipping_method !== 'success') {
      await load(fill);
      return;
    }
    drawSums(answer);
    sayTotal(answer);
    cartChanged();
  } catch (error) {
    if (!('status' in error)) throw error;
    trouble(error, () => load(fill));
  }
}

function drawSums(answer) {
  drawTotals($('totals'), answer.cart_totals_data, answer.cart_totals_data.cart_total);
  const codes = inOrder(answer.discount_code_data);
  $('codes').replaceChildren(...codes.map((code) => {
    const { root, slot } = drawCode(code);
    const remove = slot('remove');
    remove.setAttribute('aria-label', t('cart.remove', { title: code.code }));
    remove.addEventListener('click', () => removeCode(code, remove));
    return root;
  }));
}

function sayTotal(answer) {
  announce(t('cart.new_total', { total: money(answer.cart_totals_data.cart_total) }));
}

async function applyCode(values) {
  const box = $('code-form').querySelector('[data-field]');
  const code = values.code.trim();
  const answer = await post('/order/cart-apply-discount-code', { discount_code_id: code });
  if (answer.cart_apply_discount_code !== 'success') {
    const key = `codes.${answer.errors?.error}`;
    setError(box, has(key) ? t(key, { code }) : t('errors.unknown'));
    $('code').focus();
    return;
  }
  $('code').value = '';
  drawSums(answer);
  sayTotal(answer);
  cartChanged();
}

async function removeCode(code, button) {
  busy(button, true);
  try {
    const answer = await post('/order/cart-remove-discount-code', { discount_code_id: code.discount_code_id });
    if (answer.cart_remove_discount_code !== 'success') {
      await load(fill);
      return;
    }
    drawSums(answer);
    sayTotal(answer);
    cartChanged();
    $('code').focus();
  } catch (error) {
    busy(button, false);
    if (!('status' in error)) throw error;
    trouble(error, () => load(fill));
  }
}

async function deleteCart() {
  $('delete-dialog').close();
  try {
    await post('/order/cart-delete-cart');
    lines = [];
    cartChanged(0);
    showEmpty();
    focusOn($('empty'));
    announce(t('cart.now_empty'));
  } catch (error) {
    if (!('status' in error)) throw error;
    trouble(error, () => load(fill));
  }
}

wire($('code-form'), (values) => applyCode(values).catch((error) => {
  if (!('status' in error)) throw error;
  setError($('code-form').querySelector('[data-field]'), troubleText(error));
}));
$('checkout').addEventListener('click', checkOut);
$('shipping-form').addEventListener('submit', (event) => event.preventDefault());
$('delete-cart').addEventListener('click', () => openDialog($('delete-dialog')));
$('delete-no').addEventListener('click', () => $('delete-dialog').close());
$('delete-yes').addEventListener('click', deleteCart);
onCartElsewhere(() => load(fill));
load(fill);
