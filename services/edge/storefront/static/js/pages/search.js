// The search page: who comes to search may type at once.
import '../app.js';
import { $ } from '../dom.js';
import { report } from '../events.js';

const box = $('search');
if (!box.value) box.focus({ preventScroll: true });
else if (!document.querySelector('.list-count')) report('buttonclick', { button_id: 'search-empty' });
