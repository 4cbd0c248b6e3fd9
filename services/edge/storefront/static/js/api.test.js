import test from 'node:test';
import assert from 'node:assert/strict';

// The little of a browser that the module looks at when it is loaded.
globalThis.document = { cookie: '' };
globalThis.location = { href: 'https://shop.example/cart' };
globalThis.addEventListener = () => {};

const calls = [];
let answers = [];
globalThis.fetch = async (path, options = {}) => {
  if (path.startsWith('/clientevent/')) {
    calls.push(path.split('?')[0]);
    return new Response('"thank you"');
  }
  calls.push(`${options.method ?? 'GET'} ${path} ${options.headers?.['X-CSRFToken'] ?? ''} ${options.body ?? ''}`.trim());
  const answer = answers.shift();
  if (answer instanceof Error) throw answer;
  if (path === '/user/token') document.cookie = 'a=b; csrftoken=fresh';
  return answer;
};

const { CallError, cookie, get, post } = await import('./api.js');

const json = (status, body, headers) => new Response(JSON.stringify(body), { status, headers });
const begin = (cookies, ...list) => {
  calls.length = 0;
  answers = list;
  document.cookie = cookies;
};

test('a cookie is found by its whole name', () => {
  document.cookie = 'xcsrftoken=1; csrftoken=2; other=3';
  assert.equal(cookie('csrftoken'), '2');
  assert.equal(cookie('token'), undefined);
});

test('a form is sent with its token', async () => {
  begin('csrftoken=tok', json(200, { ok: 1 }));
  assert.deepEqual(await post('/order/x', { sku_id: 1, note: 'a b&c' }), { ok: 1 });
  assert.deepEqual(calls, ['POST /order/x tok sku_id=1&note=a+b%26c']);
});

test('without a token one is fetched first', async () => {
  begin('', json(200, {}), json(200, { ok: 1 }));
  await post('/order/x', {});
  assert.deepEqual(calls, ['GET /user/token', 'POST /order/x fresh']);
});

test('a refused token is replaced once, and the same data sent again', async () => {
  begin('csrftoken=old', json(403, {}), json(200, {}), json(200, { ok: 1 }));
  assert.deepEqual(await post('/order/x', { a: 1 }), { ok: 1 });
  assert.deepEqual(calls, ['POST /order/x old a=1', 'GET /user/token', 'POST /order/x fresh a=1']);
});

test('a second refusal is an error, and recorded', async () => {
  begin('csrftoken=old', json(403, {}), json(200, {}), json(403, {}));
  await assert.rejects(post('/order/x', {}), (error) => error instanceof CallError && error.status === 403);
  await new Promise((resolve) => { setImmediate(resolve); });
  assert.equal(calls.at(-1), '/clientevent/ajaxerror');
});

test('limits say how long to wait', async () => {
  begin('', json(429, {}, { 'Retry-After': '90' }));
  await assert.rejects(get('/user/x'), (error) => error.status === 429 && error.retryAfter === 90);
});

test('a broken network has the status 0, a broken answer its own', async () => {
  begin('', new TypeError('network'));
  await assert.rejects(get('/user/x'), (error) => error.status === 0);
  begin('', new Response('<html>'));
  await assert.rejects(get('/user/x'), (error) => error.status === 200);
});
