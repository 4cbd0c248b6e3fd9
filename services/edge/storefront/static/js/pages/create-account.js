// A new account. On success the server has logged the shopper in already.
import '../app.js';
import { cartChanged } from '../app.js';
import { $ } from '../dom.js';
import { showErrors, wire } from '../forms.js';
import { post } from '../api.js';
import { safeNext } from '../links.js';
import { goTo } from '../messages.js';

const next = new URLSearchParams(location.search).get('next');
const form = $('form');

if (next) $('login').href = `/login?${new URLSearchParams({ next })}`;

wire(form, async (values) => {
  const answer = await post('/user/create-account', values);
  switch (answer.create_account) {
    case 'true':
      cartChanged();
      location.assign(safeNext(next, location.origin));
      return 'keep';
    case 'created_but_login_failed':
      goTo(`/login${next ? `?${new URLSearchParams({ next })}` : ''}`, 'account-created');
      return 'keep';
    default:
      splitPasswordErrors(answer.errors);
      showErrors(form, answer.errors);
      return undefined;
  }
});

/** That the repetition differs is shown beside the repetition. */
function splitPasswordErrors(errors) {
  if (!Array.isArray(errors?.password)) return;
  const differs = errors.password.filter((error) => error.type === 'confirm_password_doesnt_match');
  errors.password = errors.password.filter((error) => !differs.includes(error));
  if (differs.length > 0) errors.confirm_password = differs;
}
