import test from 'node:test';
import assert from 'node:assert/strict';
import { linkCodes, publicAddress, safeNext, trackingLink, wayBack } from './links.js';
import { forms, leadsAway, randomForms } from './links.testdata.js';

const origin = 'https://shop.example';

test('next leads to a page of this shop or to the account', () => {
  assert.equal(safeNext('checkout/confirm', origin), '/checkout/confirm');
  assert.equal(safeNext('/account/order?identifier=a1', origin), '/account/order?identifier=a1');
  assert.equal(safeNext('account/?email_verification_code=x', origin), '/account/?email_verification_code=x');
  for (const bad of [null, '', '//evil.example', '\\\\evil.example', '/\\evil.example', '/\t/evil.example', '///evil.example']) {
    assert.equal(safeNext(bad, origin), '/account', String(bad));
  }
  // A scheme becomes a path of ours, which leads nowhere and harms no one.
  for (const odd of ['https://evil.example', 'javascript:alert(1)', 'data:text/html,x']) {
    assert.equal(new URL(safeNext(odd, origin), origin).origin, origin, odd);
  }
});

test('no form of another site leads away from the shop', () => {
  assert.ok(forms.length >= 396, `${forms.length} forms`);
  for (const form of forms) assert.equal(leadsAway(safeNext, form, origin), null, JSON.stringify(form));
});

test('no mixture of what addresses are made of leads away from the shop', () => {
  const seed = Date.now() % 1e9;
  for (const form of randomForms(seed, 50_000)) assert.equal(leadsAway(safeNext, form, origin), null, `${JSON.stringify(form)}, seed ${seed}`);
});

test('next leads to a page, not to a call of the API', () => {
  for (const call of ['/user/logout', 'user/logout', '/%75ser/logout', '/a/../user/logout', '/USER/logout', '/order/change-confirmation-email-address', '/clientevent/pageview?x=1', '/user']) {
    assert.equal(safeNext(call, origin), '/account', call);
  }
  assert.equal(safeNext('account/order?identifier=a1', origin), '/account/order?identifier=a1');
  assert.equal(safeNext('/users', origin), '/users');
  assert.equal(safeNext('/%zz', origin), '/account');
});

test('codes, tokens, identifiers and the way ahead do not reach the records', () => {
  const secret = 'q7RkV2mX9bTzLw4cYp1sNd';
  for (const query of [
    `?email_verification_code=${secret}&em_cd=x&pr_token=s&token=s&session_id=s`, `?identifier=${secret}`, `?IDENTIFIER=${secret}`, `?order_identifier=${secret}`,
    `?%69dentifier=${secret}`, `?next=account/order%3Fidentifier%3D${secret}`, `?mb_cd=${secret}&pr_cd=${secret}`, `?x=${secret}`, `?${secret}`, `#${secret}`, `#identifier=${secret}`,
  ]) {
    const address = publicAddress(`${origin}/account/order${query}`);
    assert.ok(!address.includes(secret) && address.startsWith(`${origin}/account/order`), address);
  }
  assert.equal(publicAddress(`${origin}/products?referrer=cart&page=2#main`), `${origin}/products?referrer=cart&page=2#main`);
  assert.equal(publicAddress(`${origin}/account/order?identifier=a1`), `${origin}/account/order?identifier=-`);
  assert.equal(publicAddress(`${origin}/?q=ann%40mail.example.com`), `${origin}/?q=-`);
});

test('a link event needs an ad, or a mail and its reader', () => {
  assert.equal(linkCodes('?em_cd=E'), null);
  assert.equal(linkCodes('?mb_cd=M'), null);
  assert.equal(linkCodes(''), null);
  assert.deepEqual(linkCodes('?em_cd=E&pr_cd=P'), { mb_cd: 'null', pr_cd: 'P', em_cd: 'E', ad_cd: 'null' });
  assert.deepEqual(linkCodes('?ad_cd=A'), { mb_cd: 'null', pr_cd: 'null', em_cd: 'null', ad_cd: 'A' });
});

test('the way back is where the link came from', () => {
  assert.equal(wayBack('').href, '/products');
  assert.equal(wayBack('?referrer=cart').href, '/cart');
  assert.equal(wayBack('?referrer=checkout/confirm').href, '/checkout/confirm');
  assert.equal(wayBack('?referrer=order&order_identifier=a1B2').href, '/account/order?identifier=a1B2');
  assert.equal(wayBack('?order_identifier=<script>').href, '/products');
});

test('a tracking link needs a number and a secure page', () => {
  assert.equal(trackingLink('https://t.example/?n=', 'A 1'), 'https://t.example/?n=A%201');
  assert.equal(trackingLink('javascript:alert(', '1'), null);
  assert.equal(trackingLink('https://t.example/?n=', null), null);
});
