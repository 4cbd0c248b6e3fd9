// Texts and settings, as the server generated them from texts/<language>.json.
import words from './words.js';

export const shop = words.shop;
export const pictures = words.pictures;

/** The text under a key, with names in braces filled in. An unknown key shows itself. */
export function t(key, values = {}) {
  const text = words.texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether there is such a text. */
export const has = (key) => Object.hasOwn(words.texts, key);

/** A date and time as people of the shop's language write it. */
export function when(iso, style = { dateStyle: 'long', timeStyle: 'short' }) {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? '' : new Intl.DateTimeFormat(shop.language, style).format(date);
}
