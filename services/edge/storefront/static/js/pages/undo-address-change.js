// Taking an account back to its former address, by the link that was mailed there. Opening the page
// changes nothing; the button does.
import '../app.js';
import { $ } from '../dom.js';
import { finish } from '../done.js';
import { formError, wire } from '../forms.js';
import { post } from '../api.js';
import { has, t } from '../text.js';

const code = new URLSearchParams(location.search).get('address_undo_code') ?? '';
const form = $('form');

wire(form, async () => {
  const { undo_address_change: outcome } = await post('/user/undo-address-change', { address_undo_code: code });
  if (outcome === 'success') {
    history.replaceState(null, '', location.pathname);
    finish();
    return;
  }
  formError(form, has(`undo.${outcome}`) ? t(`undo.${outcome}`) : t('errors.unknown'));
});
