// A new password, with the code of a mailed link.
import '../app.js';
import { $, show } from '../dom.js';
import { formError, showErrors, wire } from '../forms.js';
import { post } from '../api.js';
import { finish } from '../done.js';
import { t } from '../text.js';

const code = new URLSearchParams(location.search).get('password_reset_code') ?? '';
const form = $('form');

if (!code) {
  show(form, false);
  show($('no-code'));
}

wire(form, async (values) => {
  if (!values.username.trim()) {
    showErrors(form, { username: [{ type: 'required' }] });
    return;
  }
  const answer = await post('/user/set-new-password', { ...values, username: values.username.trim(), password_reset_code: code });
  switch (answer.set_new_password) {
    case 'success':
      finish();
      return;
    case 'password-error':
      showErrors(form, answer.errors);
      return;
    case 'username-not-found':
      showErrors(form, { username: [{ description: t('password.username-not-found') }] });
      return;
    default:
      formError(form, t(`password.${answer.set_new_password}`));
      show($('no-code'));
  }
});
