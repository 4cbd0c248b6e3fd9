// Logging in, and back to where the shopper came from.
import './app.js';
import { cartChanged } from './app.js';
import { $, show } from './dom.js';
import { formError, showErrors, wire } from './forms.js';
import { post } from './api.js';
import { safeNext } from './links.js';
import { goTo, showMessage } from './messages.js';
import { whoami } from './session.js';
import { t } from './text.js';

const query = new URLSearchParams(location.search);
const form = $('form');

function next() {
  const url = new URL(safeNext(query.get('next'), location.origin), location.origin);
  // A message meant for the page after the login travels on; one for this page does not.
  const message = query.get('message');
  if (message && message !== 'login-required') url.searchParams.set('message', message);
  return url.pathname + url.search + url.hash;
}

if (query.get('next')) {
  $('create').href = `/create-account?${new URLSearchParams({ next: query.get('next') })}`;
}
showMessage();

wire(form, async (values) => {
  const missing = {};
  for (const name of ['username', 'password']) if (!values[name]) missing[name] = [{ type: 'required' }];
  if (Object.keys(missing).length > 0) {
    showErrors(form, missing);
    return undefined;
  }
  const answer = await post('/user/login', values);
  if (answer.login !== 'true') {
    formError(form, t('login.wrong'));
    form.elements.password.focus();
    form.elements.password.select();
    return undefined;
  }
  cartChanged();
  const target = new URL(next(), location.origin);
  if (target.pathname.startsWith('/login')) goTo('/account');
  else location.assign(target);
  return 'keep';
});

whoami().then((who) => {
  if (who.logged_in && query.get('next')) location.replace(next());
  else if (who.logged_in) location.replace('/account');
  else show(form);
});
