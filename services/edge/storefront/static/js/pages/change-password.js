// A new password while logged in.
import '../app.js';
import { $ } from '../dom.js';
import { showErrors, wire } from '../forms.js';
import { get, post } from '../api.js';
import { goTo, goToLogin } from '../messages.js';
import { whoami } from '../session.js';

const form = $('form');

wire(form, async ({ current_password, new_password, confirm_new_password }) => {
  const answer = await post('/user/change-my-password', { current_password, new_password, confirm_new_password });
  switch (answer.change_my_password) {
    case 'success':
      goTo('/account', 'password-changed');
      return 'keep';
    case 'changed_password_but_login_failed':
      goTo('/login', 'password-set');
      return 'keep';
    case 'user_not_authenticated':
      goToLogin();
      return 'keep';
    default:
      showErrors(form, answer.errors, { password: 'new_password', 'current-password': 'current_password' });
      return undefined;
  }
});

whoami().then(async (who) => {
  if (who.unknown) return;
  if (!who.logged_in) {
    goToLogin();
    return;
  }
  // Tells the browser's password keeper whose password changes here.
  const answer = await get('/user/account-content').catch(() => null);
  form.elements.username.value = answer?.account_content?.personal_data?.username ?? '';
});
