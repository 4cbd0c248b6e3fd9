// The server's password rules, shown while someone types. The server decides.

/** Names of the rules that a password breaks: length, capital, special. */
export function broken(password) {
  const wrong = [];
  const length = [...password].length;
  if (length < 8 || length > 150) wrong.push('length');
  if (!/[A-Z]/.test(password)) wrong.push('capital');
  if (!/[!@#$%^&*()~{}[\]]/.test(password)) wrong.push('special');
  return wrong;
}
