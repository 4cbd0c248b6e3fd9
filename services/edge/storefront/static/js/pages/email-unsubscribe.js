// Unsubscribing by a mailed link: look up, confirm, and tell why if one likes.
import '../app.js';
import { $, focusOn, load, show } from '../dom.js';
import { wire } from '../forms.js';
import { get, post } from '../api.js';
import { has, t } from '../text.js';

const query = new URLSearchParams(location.search);
// A member's token wins when both are there, as on the server.
const kind = query.get('token') ? 'token' : 'pr_token';
let token = query.get(kind) ?? '';

const mine = () => (token ? { [kind]: token } : {});

function refuse(answer) {
  const key = `unsubscribe.${answer.errors?.error}`;
  $('refused-text').textContent = has(key) ? t(key) : t('errors.unknown');
  show($('ask'), false);
  show($('refused'));
}

wire($('confirm-form'), async () => {
  const answer = await post('/user/email-unsubscribe-confirm', mine());
  if (answer.email_unsubscribe_confirm !== 'success') {
    refuse(answer);
    return;
  }
  token = answer.token;
  $('done-detail').textContent = answer.email_address;
  show($('ask'), false);
  show($('done'));
  show($('why-form'));
  focusOn($('done').querySelector('[data-focus]'));
});

wire($('why-form'), async (values) => {
  const answer = await post('/user/email-unsubscribe-why', { ...values, ...mine() });
  if (answer.email_unsubscribe_why !== 'success') {
    refuse(answer);
    return;
  }
  show($('why-form'), false);
  show($('thanks'));
});

load(async () => {
  const answer = await get('/user/email-unsubscribe-lookup', mine());
  if (answer.email_unsubscribe_lookup !== 'success') {
    refuse(answer);
    return;
  }
  $('address').textContent = answer.email_address;
  show($('ask'));
});
