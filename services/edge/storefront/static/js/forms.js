// Forms: one submission at a time, errors beside their fields, focus on the first of them, and
// what was typed stays.
import { show, troubleText } from './dom.js';
import { has, t } from './text.js';
import { broken } from './rules.js';

/** The words for a refusal: the field's own, the general one, or what the server said. */
export function errorText(field, error) {
  for (const key of [`errors.${field}.${error.type}`, `errors.${error.type}`]) {
    if (has(key)) return t(key);
  }
  return error.description || t('errors.unknown');
}

function fieldBox(form, name) {
  return form.querySelector(`[data-field="${name}"]`);
}

/** Takes all errors off a form. */
function clearErrors(form) {
  for (const box of form.querySelectorAll('[data-field]')) setError(box, '');
  formError(form, '');
}

/** Puts one text beside a field; an empty one takes it away. */
export function setError(box, text) {
  const place = box.querySelector('.field__error');
  const input = box.querySelector('input, textarea, select');
  if (place) {
    place.textContent = text;
    show(place, text !== '');
  }
  if (text) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
}

/** A text about the form as a whole. */
export function formError(form, text) {
  const place = form.querySelector('[data-form-error]');
  if (!place) return;
  place.textContent = text;
  show(place, text !== '');
}

/**
 * Shows the server's verdict: an object of field names, each the literal true or a list of errors.
 * Names may differ between parameters and errors (email_address, email-address); map says how.
 */
export function showErrors(form, errors, map = {}) {
  let first;
  for (const [key, verdict] of Object.entries(errors)) {
    if (!Array.isArray(verdict) || verdict.length === 0) continue;
    const name = map[key] ?? key.replaceAll('-', '_');
    const box = fieldBox(form, name);
    const list = verdict.flat();
    const text = list.map((error) => errorText(name, error)).join(' ');
    if (!box) {
      formError(form, text);
      continue;
    }
    setError(box, text);
    first ??= box;
  }
  focusFirst(form, first);
}

function focusFirst(form, box) {
  const inputs = [...form.querySelectorAll('[aria-invalid="true"]')];
  (inputs[0] ?? box?.querySelector('input'))?.focus();
}

/** Marks a button as working: it can't be pressed again, and says what it does. */
export function busy(button, working, label) {
  if (working) {
    button.dataset.label ??= button.textContent;
    if (label) button.textContent = label;
    button.setAttribute('aria-disabled', 'true');
    button.setAttribute('aria-busy', 'true');
  } else {
    if (button.dataset.label) button.textContent = button.dataset.label;
    button.removeAttribute('aria-disabled');
    button.removeAttribute('aria-busy');
  }
}

/**
 * Wires a form: submit runs once at a time with the form's values. work gets the values and may
 * return 'keep' to leave the button busy, when the page is about to change.
 */
export function wire(form, work, busyLabel) {
  const button = form.querySelector('button[type="submit"]');
  let running = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (running) return;
    running = true;
    clearErrors(form);
    busy(button, true, busyLabel ?? t('forms.working'));
    let keep = false;
    try {
      keep = (await work(values(form))) === 'keep';
    } catch (error) {
      if (!('status' in error)) throw error;
      formError(form, troubleText(error));
    } finally {
      if (!keep) {
        running = false;
        busy(button, false);
      }
    }
  });
  // A field that is being mended is not called wrong any more; the server has the last word.
  form.addEventListener('input', (event) => {
    const box = event.target.closest('[data-field]');
    if (box) setError(box, '');
  });
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    running = false;
    busy(button, false);
  });
  for (const control of form.querySelectorAll('button:disabled')) control.disabled = false;
  for (const list of form.querySelectorAll('[data-rules]')) showRules(list, form.elements[list.dataset.rules]);
}

/** The values of a form, ticks as the words true and false. */
export function values(form) {
  const all = Object.fromEntries(new FormData(form));
  for (const box of form.querySelectorAll('input[type="checkbox"]')) all[box.name] = String(box.checked);
  return all;
}

/** Marks the password rules as kept or not while someone types. */
function showRules(list, input) {
  const update = () => {
    const wrong = broken(input.value);
    for (const item of list.children) {
      const kept = input.value !== '' && !wrong.includes(item.dataset.rule);
      item.classList.toggle('rules__kept', kept);
      item.querySelector('[data-rule-state]').textContent = kept ? t('rules.kept') : '';
    }
  };
  input.addEventListener('input', update);
  update();
}
