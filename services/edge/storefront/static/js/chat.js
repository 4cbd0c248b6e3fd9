// The chat box: a message to the people behind the shop.
import { $, focusOn, show } from './dom.js';
import { post } from './api.js';
import { showErrors, wire } from './forms.js';

let started = false;

/** Wires the form once and fills in what is known of a member. */
export function start(who) {
  const form = $('chat-form');
  if (started) return;
  started = true;
  if (who.logged_in) {
    form.elements.name.value ||= who.first_name ?? '';
    form.elements.email_address.value ||= who.email_address ?? '';
    form.elements.message.focus();
  }
  wire(form, async (values) => {
    const answer = await post('/user/put-chat-message', values);
    if (answer.put_chat_message === 'validation_error') {
      showErrors(form, answer.errors);
      return;
    }
    // "email_failed" means that the message is kept and only the alert to staff did not leave.
    show(form, false);
    show($('chat-done'));
    focusOn($('chat-done').querySelector('[data-focus]'));
  });
  $('chat').addEventListener('close', () => {
    if (form.hidden) form.elements.message.value = '';
    show(form);
    show($('chat-done'), false);
  });
}
