// Have the username mailed. The answer is the same whether there is an account or not.
import '../app.js';
import { $ } from '../dom.js';
import { showErrors, wire } from '../forms.js';
import { post } from '../api.js';
import { finish } from '../done.js';

const form = $('form');

wire(form, async (values) => {
  const address = values.email_address.trim();
  if (!address) {
    showErrors(form, { email_address: [{ type: 'required' }] });
    return;
  }
  await post('/user/forgot-username', { email_address: address });
  finish();
});
