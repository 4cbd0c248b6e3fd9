import test from 'node:test';
import assert from 'node:assert/strict';
import { cents, format, times } from './money.js';

test('cents are rounded half up, whatever the number of decimals', () => {
  for (const [amount, want] of [['3.50', 350n], ['33.8150', 3382n], ['2.6950', 270n], ['0', 0n], [0, 0n], ['27.5149', 2751n],
    ['99999999.99', 9999999999n], ['-1.005', -101n], ['7', 700n], ['7.1', 710n], ['', 0n], [null, 0n], [undefined, 0n], ['abc', 0n]]) {
    assert.equal(cents(amount), want, String(amount));
  }
});

test('amounts are shown with sign and two decimals', () => {
  assert.equal(format('3.5', '$'), '$3.50');
  assert.equal(format(0, '$'), '$0.00');
  assert.equal(format('-0.05', '€'), '−€0.05');
  assert.equal(format('99999999.99', '$'), '$99999999.99');
});

test('no cent is lost from 0.01 to 1000.00', () => {
  for (let n = 1; n <= 100_000; n++) {
    const amount = `${Math.floor(n / 100)}.${String(n % 100).padStart(2, '0')}`;
    assert.equal(format(amount, ''), amount);
  }
});

test('a line is price times pieces', () => {
  assert.equal(times('3.99', 5), '19.95');
  assert.equal(times('0.01', 99), '0.99');
  assert.equal(times('5.00', 0), '0.00');
});
