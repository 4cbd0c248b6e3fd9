// Who is looking at the page, asked once per page and shared by all scripts.
import { get } from './api.js';
import { identify } from './events.js';

const NOBODY = { logged_in: false, log_client_events: true, client_event_id: 'null', cart_item_count: 0 };

let current;

/** The answer of /user/logged-in. When it can't be had, the page goes on as for a visitor. */
export function whoami() {
  if (!current) current = ask();
  return current;
}

/** Asks again: after a login elsewhere, or when the page comes back from the browser's memory. */
export function askAgain() {
  current = ask();
  return current;
}

function ask() {
  const answer = get('/user/logged-in').catch(() => ({ ...NOBODY, unknown: true }));
  identify(answer);
  return answer;
}
