// Logging in, and back to where the shopper came from.
import '../app.js';
import { cartChanged } from '../app.js';
import { $ } from '../dom.js';
import { formError, showErrors, wire } from '../forms.js';
import { post } from '../api.js';
import { safeNext } from '../links.js';
import { showMessage } from '../messages.js';
import { whoami } from '../session.js';
import { t } from '../text.js';

const query = new URLSearchParams(location.search);
const form = $('form');

/** The page to go to, which is never the login itself. */
function next() {
  const path = safeNext(query.get('next'), location.origin);
  return /^\/login\b/.test(path) ? '/account' : path;
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
  location.assign(next());
  return 'keep';
});

whoami().then((who) => {
  if (who.logged_in) location.replace(next());
});
