// Name and address of a member.
import '../app.js';
import { $, load, show } from '../dom.js';
import { showErrors, wire } from '../forms.js';
import { get, post } from '../api.js';
import { goTo, goToLogin } from '../messages.js';

const form = $('form');
let address = '';

const moves = () => form.elements.email_address.value !== address;

// A new address asks for the password: a session alone must not move an account.
form.addEventListener('input', () => show($('password-row'), moves()));

wire(form, async ({ current_password, ...values }) => {
  if (moves() && !current_password) {
    showErrors(form, { current_password: [{ type: 'required' }] });
    return undefined;
  }
  const answer = await post('/user/update-my-information', moves() ? { ...values, current_password } : values);
  switch (answer.update_my_information) {
    case 'success':
      goTo('/account', values.email_address === address ? 'information-saved' : 'address-changed');
      return 'keep';
    case 'user_not_authenticated':
      goToLogin();
      return 'keep';
    default:
      showErrors(form, answer.errors);
      return undefined;
  }
});

load(async () => {
  const { account_content: content } = await get('/user/account-content');
  if (content.authenticated !== 'true') {
    goToLogin();
    return;
  }
  address = content.email_data.email_address;
  form.elements.firstname.value = content.personal_data.first_name;
  form.elements.lastname.value = content.personal_data.last_name;
  form.elements.email_address.value = address;
  show(form);
});
