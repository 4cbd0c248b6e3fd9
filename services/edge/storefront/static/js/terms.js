// New terms of use, shown to members who have not agreed to them yet.
import { $, openDialog, show, troubleText } from './dom.js';
import { get, post } from './api.js';
import { noteInto } from './note.js';

/** Asks whether the member has agreed to the newest terms, and shows them otherwise. */
export async function check() {
  let answer;
  try {
    answer = await get('/user/terms-of-use-agree-check');
  } catch {
    return; // asked again on the next page
  }
  if (answer.terms_of_use_agree_check !== false) return;
  noteInto($('terms-note'), answer.version_note ?? '');
  const dialog = $('terms-dialog');
  $('terms-later').addEventListener('click', () => dialog.close());
  $('terms-agree').addEventListener('click', async () => {
    try {
      await post('/user/terms-of-use-agree', { version: String(answer.version) });
      dialog.close();
    } catch (error) {
      $('terms-error').textContent = troubleText(error);
      show($('terms-error'));
    }
  });
  openDialog(dialog);
}
