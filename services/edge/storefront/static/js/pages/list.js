// Pages that list products: the menu of orders closes as menus do.
import '../app.js';
import { $ } from '../dom.js';

const menu = $('sort');

if (menu) {
  document.addEventListener('click', (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !menu.open) return;
    menu.open = false;
    menu.querySelector('summary').focus();
  });
}
