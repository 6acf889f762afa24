import { expect, test } from 'vitest';
import { post } from '../../support/caller.ts';
import { newKey, openDoor, PAYMENT } from './door.ts';

test('a caller that has used up its calls is told how long to wait, and others are not touched', async () => {
  const keys = [newKey(), newKey()];
  const door = await openDoor({
    settings: { PROXY_API_KEYS: `shop:${keys[0]},kiosk:${keys[1]}`, RATE_LIMIT_PER_MINUTE: '3' },
  });
  const shop = { Authorization: `Bearer ${keys[0]}` };
  const kiosk = { Authorization: `Bearer ${keys[1]}` };

  const remaining: unknown[] = [];
  for (let count = 0; count < 3; count++) {
    const { status, headers } = await post(door.port, PAYMENT, { headers: shop });
    expect(status).toBe(200);
    expect(headers['ratelimit-policy']).toBe('"calls"; q=3; w=60');
    remaining.push(headers.ratelimit);
  }
  const refused = await post(door.port, PAYMENT, { headers: shop });

  expect(remaining).toEqual([2, 1, 0].map((left) => expect.stringMatching(new RegExp(`^"calls"; r=${left}; t=\\d+$`))));
  expect(refused.status).toBe(429);
  expect(refused.headers['proxy-outcome']).toBe('not_processed');
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
  expect(JSON.parse(refused.body.toString())).toMatchObject({ code: 'rate_limited', outcome: 'not_processed' });
  expect((await post(door.port, PAYMENT, { headers: kiosk })).status).toBe(200);
  expect(door.requests).toBe(4);
  const lines = await door.service.callLines(5);
  expect(lines.filter(({ code }) => code === 'rate_limited')).toMatchObject([{ caller: 'shop', status: 429 }]);
});

test('calls that are refused later count too, and those without a right key do not', async () => {
  const door = await openDoor({ settings: { RATE_LIMIT_PER_MINUTE: '2' } });

  expect((await post(door.port, PAYMENT)).status).toBe(401);
  expect((await post(door.port, PAYMENT)).status).toBe(401);
  expect((await post(door.port, '{', { headers: door.pass })).status).toBe(400);
  expect((await post(door.port, PAYMENT, { headers: { ...door.pass, 'Content-Type': 'text/plain' } })).status).toBe(
    415,
  );
  expect((await post(door.port, PAYMENT, { headers: door.pass })).status).toBe(429);
});

test('where no key is needed, calls are counted by address', async () => {
  const door = await openDoor({ settings: { PROXY_API_KEYS: '', RATE_LIMIT_PER_MINUTE: '1' } });
  const from = (address: string) => post(door.port, PAYMENT, { headers: { 'X-Forwarded-For': address } });

  expect((await from('203.0.113.7')).status).toBe(200);
  expect((await from('203.0.113.7')).status).toBe(429);
  expect((await from('203.0.113.8')).status).toBe(200);
});

test('with a limit our headers replace those of the payment API, and nothing else is lost', async () => {
  const theirs = ['RateLimit: "toss";r=5;t=1', 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'Vary: Accept', 'Vary: Cookie'];
  const door = await openDoor({
    settings: { RATE_LIMIT_PER_MINUTE: '5' },
    answer: ['HTTP/1.1 200 OK', 'Content-Length: 2', ...theirs, '', '{}'].join('\r\n'),
  });

  const { headers } = await post(door.port, PAYMENT, { headers: door.pass });

  expect(headers.ratelimit).toMatch(/^"calls"; r=4; t=\d+$/);
  expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
  expect(headers.vary).toBe('Accept, Cookie');
});

test('without a limit there are no such headers, and those of the payment API pass', async () => {
  const theirs = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRateLimit: "toss";r=5;t=1\r\n\r\n{}';
  const door = await openDoor({ answer: theirs });

  const { headers } = await post(door.port, PAYMENT, { headers: door.pass });

  expect(headers.ratelimit).toBe('"toss";r=5;t=1');
  expect(headers).not.toHaveProperty('ratelimit-policy');
});

test('with a Redis that is not there, calls pass, one warning says so, and wrong keys are still counted', async () => {
  const door = await openDoor({ settings: { RATE_LIMIT_PER_MINUTE: '1', REDIS_URL: 'redis://127.0.0.1:1' } });

  for (let count = 0; count < 3; count++) {
    const { status, headers } = await post(door.port, PAYMENT, { headers: door.pass });
    expect(status).toBe(200);
    expect(headers).not.toHaveProperty('ratelimit');
  }
  for (let count = 0; count < 10; count++) expect((await post(door.port, PAYMENT)).status).toBe(401);
  expect((await post(door.port, PAYMENT)).status).toBe(429);

  const warnings = door.service.log.filter(({ level }) => level === 40);
  expect(warnings).toMatchObject([{ msg: expect.stringMatching(/^REDIS_URL: Redis is away/), cause: 'ECONNREFUSED' }]);
});
