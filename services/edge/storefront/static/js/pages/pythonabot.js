// The waiting list.
import '../app.js';
import { $ } from '../dom.js';
import { showErrors, wire } from '../forms.js';
import { post } from '../api.js';
import { finish } from '../done.js';

const form = $('form');

wire(form, async (values) => {
  const answer = await post('/user/pythonabot-notify-me', {
    email_address: values.email_address.trim(),
    how_excited: values.how_excited ?? '',
  });
  if (answer.pythonabot_notify_me === 'success') finish();
  else showErrors(form, answer.errors);
});
