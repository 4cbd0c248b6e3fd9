// Waiting between questions: a second at first, ten at most.

/** How long to wait before the next question, in milliseconds. */
export const delay = (turn) => Math.min(10_000, 1000 * 1.4 ** turn);

/** Waits its turn. A page that is brought back into view asks at once. */
export function pause(turn) {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onView);
      resolve();
    };
    const onView = () => { if (!document.hidden) finish(); };
    const timer = setTimeout(finish, delay(turn));
    document.addEventListener('visibilitychange', onView);
  });
}
