// The product page: choosing a SKU, looking at pictures and videos, putting into the cart.
import '../app.js';
import { cartChanged } from '../app.js';
import { $, announce, money, picture, show } from '../dom.js';
import { errorText, wire } from '../forms.js';
import { wayBack } from '../links.js';
import { post } from '../api.js';
import { wireStepper } from '../stepper.js';
import { shop, t } from '../text.js';

const form = $('buy');

function chosen() {
  return form.querySelector('input[name="sku_id"]:checked');
}

function showChoice({ withPicture }) {
  const { price, regular, state, stateTitle, stateNote, picture: url, label } = chosen().dataset;
  $('price').textContent = money(price);
  show($('price-was'), Boolean(regular));
  $('price-was').querySelector('s').textContent = regular ? money(regular) : '';
  $('stock').dataset.state = state;
  $('stock-title').textContent = stateTitle;
  $('stock-note').textContent = stateNote;
  show($('buy-row'), state === 'in-stock');
  show($('added'), false);
  if (withPicture && url) {
    const thumb = [...document.querySelectorAll('.thumb')].find((link) => link.dataset.picture === url);
    if (thumb) showPicture(thumb);
    else showPictureOf(url, label);
  }
}

function markCurrent(thumb) {
  for (const link of document.querySelectorAll('.thumb')) link.removeAttribute('aria-current');
  thumb?.setAttribute('aria-current', 'true');
}

function showPictureOf(url, caption, alt = caption) {
  const image = picture(url, alt || $('product').dataset.title, '(min-width: 78rem) 36rem, (min-width: 46rem) 48vw, 92vw');
  image.id = 'stage-image';
  image.width = 800;
  image.height = 800;
  image.loading = 'eager';
  $('stage').replaceChildren(image);
  $('stage-caption').textContent = caption;
}

function showPicture(thumb) {
  showPictureOf(thumb.dataset.picture, thumb.dataset.caption, thumb.querySelector('img').alt);
  markCurrent(thumb);
}

/** Videos come from their own host, and only once someone asks for one. */
function showVideo(thumb) {
  const url = new URL(thumb.dataset.video);
  if (!shop.videoHosts.includes(url.origin)) {
    open(url, '_blank', 'noopener');
    return;
  }
  url.searchParams.set('dnt', '1');
  url.searchParams.set('autoplay', '1');
  const frame = document.createElement('iframe');
  frame.title = thumb.dataset.caption || t('product.video');
  frame.allow = 'autoplay; fullscreen';
  frame.referrerPolicy = 'strict-origin-when-cross-origin';
  frame.src = url;
  $('stage').replaceChildren(frame);
  $('stage-caption').textContent = thumb.dataset.caption;
  markCurrent(thumb);
}

function startGallery() {
  for (const thumb of document.querySelectorAll('.thumb')) {
    thumb.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (thumb.dataset.video) showVideo(thumb);
      else showPicture(thumb);
    });
  }
}

function quantityError(text) {
  const place = $('quantity-error');
  place.textContent = text;
  show(place, text !== '');
  if (text) $('quantity').setAttribute('aria-invalid', 'true');
  else $('quantity').removeAttribute('aria-invalid');
}

async function add(values) {
  quantityError('');
  show($('added'), false);
  const answer = await post('/order/cart-add-product-sku', { sku_id: values.sku_id, quantity: values.quantity.trim() });
  if (answer.cart_add_product_sku !== 'success') {
    const error = answer.errors?.quantity?.[0]?.[0];
    quantityError(error ? errorText('quantity', error) : t('product.gone'));
    $('quantity').focus();
    return;
  }
  $('added-text').textContent = t('product.added', { quantity: values.quantity.trim(), title: $('product').dataset.title });
  show($('added'));
  cartChanged(answer.cart_item_count);
}

function start() {
  const back = wayBack(location.search);
  $('back').href = back.href;
  $('back').textContent = t(`back.${back.key}`);
  startGallery();
  if (!form) return;
  wire(form, (values) => add(values).catch((error) => {
    quantityError(t(error.status === 0 ? 'trouble.network' : 'trouble.server'));
    if (!('status' in error)) throw error;
  }), t('product.adding'));
  wireStepper(form.querySelector('.stepper'), { min: 1, change: () => show($('added'), false) });
  form.addEventListener('input', () => quantityError(''));
  for (const radio of form.querySelectorAll('input[name="sku_id"]')) {
    radio.addEventListener('change', () => {
      showChoice({ withPicture: true });
      announce(`${radio.dataset.label}, ${radio.dataset.description}, ${money(radio.dataset.price)}, ${radio.dataset.stateTitle}`);
    });
  }
  showChoice({ withPicture: false });
}

start();
