/** The status of a call that was not made because the browser keeps no cookies. */
export const NO_COOKIES = -1;
