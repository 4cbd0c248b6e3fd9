// Messages that one page leaves for the next, by name: the address can't make the shop say
// anything but its own words.
import { $, show } from './dom.js';
import { has, t } from './text.js';

/** Shows the message that the address names, if it is one of ours, and only this once. */
export function showMessage() {
  const url = new URL(location.href);
  const name = url.searchParams.get('message');
  if (!name) return;
  if (has(`messages.${name}`)) say(t(`messages.${name}`));
  url.searchParams.delete('message');
  history.replaceState(history.state, '', url);
}

/** Shows a text in the page's message box; a warning looks like one. */
export function say(text, warn = false) {
  const box = $('message');
  box.textContent = text;
  box.classList.toggle('notice--warn', warn);
  box.classList.toggle('notice--good', !warn);
  show(box);
}

/** Goes to a page of ours with a message. */
export function goTo(path, message) {
  const url = new URL(path, location.origin);
  if (message) url.searchParams.set('message', message);
  location.assign(url);
}

/** Goes to the login and comes back to this page afterwards. */
export function goToLogin() {
  const here = location.pathname.slice(1) + location.search;
  location.replace(`/login?${new URLSearchParams({ next: here, message: 'login-required' })}`);
}
