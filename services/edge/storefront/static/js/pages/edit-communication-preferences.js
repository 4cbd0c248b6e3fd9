// What the shop may mail to a member.
import '../app.js';
import { $, load, show } from '../dom.js';
import { formError, wire } from '../forms.js';
import { get, post } from '../api.js';
import { goTo, goToLogin } from '../messages.js';
import { t } from '../text.js';

const form = $('form');
const { newsletter, email_unsubscribe: unsubscribe } = form.elements;
let before = false; // whether everything was switched off already

wire(form, async (values) => {
  if (newsletter.checked && unsubscribe.checked) {
    formError(form, t('preferences.both'));
    newsletter.focus();
    return undefined;
  }
  const answer = await post('/user/update-communication-preferences', values);
  switch (answer.update_communication_preferences) {
    case 'success':
      goTo('/account', 'preferences-saved');
      return 'keep';
    case 'user_not_authenticated':
      goToLogin();
      return 'keep';
    default:
      formError(form, t(answer.errors?.invalid_data ? 'preferences.both' : 'errors.unknown'));
      return undefined;
  }
});

newsletter.addEventListener('change', () => {
  if (newsletter.checked) unsubscribe.checked = false;
  show($('why'), unsubscribe.checked && !before);
});
unsubscribe.addEventListener('change', () => {
  if (unsubscribe.checked) newsletter.checked = false;
  show($('why'), unsubscribe.checked && !before);
});

load(async () => {
  const { account_content: content } = await get('/user/account-content');
  if (content.authenticated !== 'true') {
    goToLogin();
    return;
  }
  before = content.personal_data.email_unsubscribed;
  newsletter.checked = content.personal_data.newsletter_subscriber;
  unsubscribe.checked = before;
  show(form);
});
