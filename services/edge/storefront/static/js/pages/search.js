// The search page: who comes to search may type at once.
import '../app.js';
import { $ } from '../dom.js';

const box = $('search');
if (!box.value) box.focus({ preventScroll: true });
