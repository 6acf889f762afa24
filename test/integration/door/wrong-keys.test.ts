import { expect, test } from 'vitest';
import { post } from '../../support/caller.ts';
import { callRaw } from '../../support/raw-caller.ts';
import { type Door, newKey, openDoor, PAYMENT } from './door.ts';
import { answersIn, type RawAnswer } from './raw.ts';

/** Guesses so often at once over one connection, without bodies, so that it goes on until the last. */
async function guessAtOnce(port: number, times: number): Promise<RawAnswer[]> {
  const guesses = Array.from(
    { length: times },
    () => `POST /proxy HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${newKey()}\r\nContent-Length: 0\r\n\r\n`,
  );
  const guesser = await callRaw(port);
  guesser.socket.write(`${guesses.slice(1).join('')}${guesses[0]?.replace('Host', 'Connection: close\r\nHost')}`);
  return answersIn(await guesser.ended);
}

async function timed<T>(step: Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const startedAtMs = performance.now();
  return { value: await step, ms: performance.now() - startedAtMs };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function guess(door: Door, headers: Readonly<Record<string, string>> = {}) {
  return post(door.port, PAYMENT, { headers: { Authorization: `Bearer ${newKey()}`, ...headers } });
}

test('the eleventh wrong key of an address within a minute is told to wait', async () => {
  const door = await openDoor();

  for (let count = 1; count <= 10; count++) expect((await guess(door)).status).toBe(401);
  const answer = await guess(door);

  expect(answer.status).toBe(429);
  expect(answer.headers['proxy-outcome']).toBe('not_processed');
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60);
  expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'rate_limited', outcome: 'not_processed' });
  const lines = await door.service.callLines(11);
  expect(lines.map(({ code }) => code)).toEqual([...Array(10).fill('unauthorized'), 'rate_limited']);
  expect((await post(door.port, PAYMENT, { headers: door.pass })).status).toBe(200);
});

test('behind a balancer each address has its own count', async () => {
  const door = await openDoor();
  const attacker = { 'X-Forwarded-For': 'made-up, 203.0.113.7' };

  for (let count = 1; count <= 10; count++) expect((await guess(door, attacker)).status).toBe(401);

  expect((await guess(door, attacker)).status).toBe(429);
  expect((await guess(door, { 'X-Forwarded-For': '203.0.113.7, 203.0.113.8' })).status).toBe(401);
  const lines = await door.service.callLines(12);
  expect(lines.at(-1)).toMatchObject({ forwardedFor: '203.0.113.8', peer: '127.0.0.1' });
});

test('an IPv6 address counts for its whole network', async () => {
  const door = await openDoor();

  for (let host = 1; host <= 10; host++) {
    expect((await guess(door, { 'X-Forwarded-For': `2001:db8:0:1::${host}` })).status).toBe(401);
  }

  expect((await guess(door, { 'X-Forwarded-For': '2001:db8:0:2::1' })).status).toBe(429);
  expect((await guess(door, { 'X-Forwarded-For': '2001:db8:1::1' })).status).toBe(401);
});

test('who makes up a new address for each guess is told to wait after a hundred', async () => {
  const door = await openDoor();
  const statuses: number[] = [];

  for (let count = 0; count < 102; count++) {
    statuses.push((await guess(door, { 'X-Forwarded-For': `198.51.100.${count}` })).status);
  }

  expect(statuses).toEqual([...Array(100).fill(401), 429, 429]);
});

test('10,000 wrong keys do not slow a right one from the same address', async () => {
  const door = await openDoor({ settings: { LOG_LEVEL: 'warn' } });
  const wrong: RawAnswer[] = [];
  const rightMs: number[] = [];
  const wrongMs: number[] = [];

  for (let round = 0; round < 20; round++) {
    const guessing = timed(Promise.all(Array.from({ length: 10 }, () => guessAtOnce(door.port, 50))));
    const right = await timed(post(door.port, PAYMENT, { headers: door.pass }));
    const guessed = await guessing;
    expect(right.value.status).toBe(200);
    wrong.push(...guessed.value.flat());
    rightMs.push(right.ms);
    wrongMs.push(guessed.ms);
  }

  expect(door.requests).toBe(20);
  expect(wrong).toHaveLength(10_000);
  // Those that come in one piece are counted before the first of them is answered: fewer than ten may still get a 401.
  expect(wrong.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(10);
  expect(wrong.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(9_990);
  // Measured side by side, so that a busy machine slows both: a right key waits for its turn, and for nothing else.
  expect(median(rightMs)).toBeLessThan(3 * median(wrongMs));
}, 120_000);
