// Where the account is in use, on its page: devices that can be logged out from here.
import { $, clone, show, troubleText } from './dom.js';
import { busy } from './forms.js';
import { get, post } from './api.js';
import { goToLogin } from './messages.js';
import { t, when } from './text.js';

function tell(text, warn = false) {
  const box = $('sessions-message');
  box.textContent = text;
  box.classList.toggle('notice--warn', warn);
  box.classList.toggle('notice--good', !warn);
  show(box);
}

/** Runs what a button does, once at a time, and draws the list again. */
async function act(button, work, done) {
  busy(button, true);
  try {
    if (await work()) {
      goToLogin();
      return;
    }
    await listSessions();
    tell(done);
    $('sessions-title').tabIndex = -1;
    $('sessions-title').focus();
  } catch (error) {
    if (!('status' in error)) throw error;
    tell(troubleText(error), true);
  } finally {
    busy(button, false);
  }
}

function draw(session) {
  const { root, slot } = clone('session-template');
  slot('device').textContent = session.device;
  slot('current').textContent = t('sessions.this');
  show(slot('current'), session.current);
  slot('seen').textContent = t('sessions.seen', { time: when(session.last_seen_date_time), place: session.place });
  const end = slot('end');
  end.textContent = t('sessions.end');
  end.setAttribute('aria-label', `${t('sessions.end')}: ${session.device}`);
  show(end, !session.current); // this one has the page's own button
  end.addEventListener('click', () => act(end, async () => {
    const answer = await post('/user/end-session', { session: session.session });
    return answer.end_session === 'user_not_authenticated';
  }, t('sessions.ended')));
  return root;
}

/** Fills the list. A shop that has none, or is in trouble, shows the page without it. */
export async function listSessions() {
  const answer = await get('/user/sessions');
  if (answer.sessions !== 'success') return;
  $('sessions').replaceChildren(...answer.session_data.map(draw));
  show($('sessions-others'), answer.session_data.length > 1);
  show($('sessions-section'));
}

$('sessions-others').addEventListener('click', () => act($('sessions-others'), async () => {
  const answer = await post('/user/end-other-sessions');
  return answer.end_other_sessions === 'user_not_authenticated';
}, t('sessions.others_ended')));
