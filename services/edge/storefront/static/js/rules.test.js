import test from 'node:test';
import assert from 'node:assert/strict';
import { broken } from './rules.js';
import { delay } from './wait.js';
import { quantityOf } from './stepper.js';

test('password rules', () => {
  assert.deepEqual(broken('Secret!pass'), []);
  assert.deepEqual(broken('secret!pass'), ['capital']);
  assert.deepEqual(broken('Secretpass'), ['special']);
  assert.deepEqual(broken('Aa!'), ['length']);
  assert.deepEqual(broken(''), ['length', 'capital', 'special']);
  assert.deepEqual(broken(`A!${'x'.repeat(149)}`), ['length']);
  for (const special of '!@#$%^&*()~{}[]') assert.deepEqual(broken(`Abcdefg${special}`), [], special);
  assert.deepEqual(broken('Abcdefg-'), ['special']);
});

test('a quantity is a whole number from 0 to 99', () => {
  for (const [text, want] of [['0', 0], [' 7 ', 7], ['99', 99], ['100', null], ['', null], ['1.5', null], ['-1', null], ['1e1', null]]) {
    assert.equal(quantityOf(text), want, text);
  }
});

test('questions come more and more slowly, and never more than ten seconds apart', () => {
  const waits = Array.from({ length: 30 }, (_, turn) => delay(turn));
  assert.equal(waits[0], 1000);
  assert.ok(waits.every((wait, turn) => wait <= 10_000 && (turn === 0 || wait >= waits[turn - 1])));
});
