// Have a link mailed that sets a new password. The answer is always the same.
import '../app.js';
import { $ } from '../dom.js';
import { showErrors, wire } from '../forms.js';
import { post } from '../api.js';
import { finish } from '../done.js';

const form = $('form');

wire(form, async (values) => {
  const missing = {};
  for (const name of ['username', 'email_address']) if (!values[name].trim()) missing[name] = [{ type: 'required' }];
  if (Object.keys(missing).length > 0) {
    showErrors(form, missing);
    return;
  }
  await post('/user/reset-password', { username: values.username.trim(), email_address: values.email_address.trim() });
  finish();
});
