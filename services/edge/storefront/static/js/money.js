// Amounts come as decimal strings (or the number 0) and are only ever shown, never summed here:
// the server's totals are the ones that are charged.

/** Whole cents of a decimal string, rounded half up; "33.8150" gives 3382n. */
export function cents(amount) {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(amount ?? 0).trim());
  if (!match) return 0n;
  const [, sign, whole, fraction = ''] = match;
  const digits = fraction.padEnd(3, '0');
  let value = BigInt(whole) * 100n + BigInt(digits.slice(0, 2));
  if (digits[2] >= '5') value += 1n;
  return sign ? -value : value;
}

/** An amount as it is shown: "$3.50"; below zero with a minus sign in front. */
export function format(amount, sign) {
  const value = cents(amount);
  const size = value < 0n ? -value : value;
  return `${value < 0n ? '−' : ''}${sign}${size / 100n}.${String(size % 100n).padStart(2, '0')}`;
}

/** Price of several pieces, for a line that the server has not summed for us. */
export function times(amount, quantity) {
  const value = cents(amount) * BigInt(quantity);
  return `${value / 100n}.${String(value % 100n).padStart(2, '0')}`;
}
