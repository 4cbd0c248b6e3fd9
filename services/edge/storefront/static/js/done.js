// Forms that end with "it is done" in their place.
import { $, focusOn, show } from './dom.js';

/** Puts the page's closing words in the place of its form. */
export function finish(detail = '') {
  $('done-detail').textContent = detail;
  show($('ask'), false);
  show($('done'));
  focusOn($('done').querySelector('[data-focus]'));
}
