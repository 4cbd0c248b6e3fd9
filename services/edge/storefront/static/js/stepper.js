// A quantity with a button for less and one for more.

/** A quantity as typed, or null when it is no whole number from 0 to 99. */
export function quantityOf(text) {
  return /^\d{1,2}$/.test(text.trim()) ? Number(text) : null;
}

/** Wires the buttons; change is called with every new value that counts. */
export function wireStepper(root, { min, change }) {
  const input = root.querySelector('input');
  const [less, more] = root.querySelectorAll('button[data-step]');
  const update = () => {
    const value = quantityOf(input.value);
    less.disabled = value === null || value <= min;
    more.disabled = value !== null && value >= 99;
  };
  for (const button of [less, more]) {
    button.addEventListener('click', () => {
      const value = quantityOf(input.value) ?? min;
      input.value = Math.min(99, Math.max(min, value + Number(button.dataset.step)));
      update();
      change(input.value);
      if (button.disabled) input.focus();
    });
  }
  input.addEventListener('input', update);
  input.addEventListener('change', () => {
    update();
    change(input.value);
  });
  update();
  return update;
}
