import { expect, test } from 'vitest';
import { post, type Received } from '../../support/caller.ts';
import { newKey, openDoor, PAYMENT } from './door.ts';

/** An answer without what differs from one to the next by nature: its id and its date. */
function withoutId({ status, rawHeaders, body }: Received): object {
  const headers = rawHeaders.filter((_, at) => !/^(?:x-request-id|date)$/i.test(rawHeaders[at - (at % 2)] ?? ''));
  return { status, headers, body: { ...JSON.parse(body.toString()), requestId: '' } };
}

test('a missing, a malformed and a wrong key get the same answer, and nothing is sent', async () => {
  const door = await openDoor();
  const almost = `${door.key.slice(0, -1)}${door.key.endsWith('0') ? '1' : '0'}`;

  const answers = [
    await post(door.port, PAYMENT),
    await post(door.port, PAYMENT, { headers: { Authorization: '' } }),
    await post(door.port, PAYMENT, { headers: { Authorization: 'Bearer' } }),
    await post(door.port, PAYMENT, { headers: { Authorization: door.key } }),
    await post(door.port, PAYMENT, { headers: { Authorization: `Basic ${door.key}` } }),
    await post(door.port, PAYMENT, { headers: { Authorization: `Bearer ${door.key} x` } }),
    await post(door.port, PAYMENT, { headers: { Authorization: `Bearer ${newKey()}` } }),
    await post(door.port, PAYMENT, { headers: { Authorization: `Bearer ${almost}` } }),
    await post(door.port, 'not even JSON', { headers: { Authorization: `Bearer ${almost}` } }),
  ];

  const [first] = answers;
  expect(first?.status).toBe(401);
  expect(first?.headers['www-authenticate']).toBe('Bearer');
  expect(first?.headers['proxy-outcome']).toBe('not_processed');
  expect(JSON.parse(String(first?.body))).toMatchObject({ code: 'unauthorized', outcome: 'not_processed' });
  for (const answer of answers) expect(withoutId(answer)).toEqual(first && withoutId(first));
  expect(door.upstream.connections).toBe(0);
});

test('several keys work at once, and logs and metrics know them by their names alone', async () => {
  const keys = [newKey(), newKey()];
  const door = await openDoor({
    settings: { PROXY_API_KEYS: `shop-1:${keys[0]}, shop-2:${keys[1]}`, METRICS_PORT: '0' },
  });

  for (const key of keys) {
    const answer = await post(door.port, PAYMENT, { headers: { Authorization: `Bearer ${key}` } });
    expect(answer.status).toBe(200);
  }

  const lines = await door.service.callLines(2);
  expect(lines.map(({ caller }) => caller)).toEqual(['shop-1', 'shop-2']);
  const metricsPort = door.service.log.find(({ msg }) => msg === 'metrics')?.port;
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(metrics).toContain('proxy_requests_total{caller="shop-1"');
  expect(metrics).toContain('proxy_requests_total{caller="shop-2"');
  for (const key of keys) {
    expect(JSON.stringify(door.service.log)).not.toContain(key);
    expect(metrics).not.toContain(key);
  }
});

test('a key is rotated without a restart: both work in between, then the new one alone', async () => {
  const door = await openDoor();
  const next = newKey();
  const statusWith = async (key: string) =>
    (await post(door.port, PAYMENT, { headers: { Authorization: `Bearer ${key}` } })).status;

  await door.service.reload({ PROXY_API_KEYS: `shop:${door.key},shop-2:${next}` });
  expect([await statusWith(door.key), await statusWith(next)]).toEqual([200, 200]);

  await door.service.reload({ PROXY_API_KEYS: `shop-2:${next}` });
  expect([await statusWith(door.key), await statusWith(next)]).toEqual([401, 200]);
});

test('the health check needs no key, and nothing else is there for those without one', async () => {
  const door = await openDoor();

  expect((await post(door.port, '', { method: 'GET', path: '/' })).status).toBe(200);
  expect((await post(door.port, PAYMENT, { path: '/status' })).status).toBe(404);
  expect((await post(door.port, PAYMENT, { path: '/metrics' })).status).toBe(404);
  expect((await post(door.port, PAYMENT, { path: '/proxy/' })).status).toBe(404);
  expect((await post(door.port, PAYMENT, { path: '/PROXY' })).status).toBe(404);
  expect((await post(door.port, PAYMENT, { path: '/proxy?key' })).status).toBe(401);
});
