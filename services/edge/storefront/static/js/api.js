// The one way to the public JSON API: time-outs, the CSRF pair with its single retry, and a report
// of every call that failed.
import { report } from './events.js';
import { NO_COOKIES } from './status.js';

const TIMEOUT = 20_000;

/** A call that brought no usable answer. status 0: the network failed or the time ran out. */
export class CallError extends Error {
  constructor(status, retryAfter) {
    super(`call failed with status ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The value of a cookie that scripts may read, or undefined. */
export function cookie(name) {
  for (const part of document.cookie.split('; ')) {
    const cut = part.indexOf('=');
    if (part.slice(0, cut) === name) return part.slice(cut + 1);
  }
  return undefined;
}

/** Whether the browser keeps our cookies: the one with the token is there after the first answer. */
export const keepsCookies = () => Boolean(cookie('csrftoken'));

async function send(path, options) {
  let answer;
  try {
    answer = await fetch(path, {
      credentials: 'same-origin',
      signal: AbortSignal.timeout(TIMEOUT),
      ...options,
      headers: { Accept: 'application/json', ...options?.headers },
    });
  } catch {
    throw new CallError(0);
  }
  return answer;
}

async function read(answer) {
  if (!answer.ok) throw new CallError(answer.status, Number(answer.headers.get('Retry-After')) || undefined);
  try {
    return await answer.json();
  } catch {
    throw new CallError(answer.status);
  }
}

/** A call under its error id: when it fails, the failure is recorded and thrown on. */
async function reported(id, call) {
  try {
    return await call();
  } catch (error) {
    if (!leaving) report('ajaxerror', { error_id: id });
    throw error;
  }
}

let leaving = false;
addEventListener('pagehide', () => { leaving = true; });
addEventListener('pageshow', () => { leaving = false; });

const errorId = (path) => path.split('?')[0].split('/').pop() || path;

/** GET, with parameters. */
export function get(path, params) {
  const query = params ? `?${new URLSearchParams(params)}` : '';
  return reported(errorId(path), async () => read(await send(path + query)));
}

/**
 * POST of a form. When the server refuses the token (403) a new one is fetched once and the same
 * data is sent again.
 */
export function post(path, data = {}) {
  const body = new URLSearchParams(data);
  const once = () => send(path, { method: 'POST', body, headers: { 'X-CSRFToken': cookie('csrftoken') ?? '' } });
  return reported(errorId(path), async () => {
    if (!keepsCookies()) await send('/user/token');
    if (!keepsCookies()) throw new CallError(NO_COOKIES);
    let answer = await once();
    if (answer.status === 403) {
      await send('/user/token');
      answer = await once();
    }
    return read(answer);
  });
}
