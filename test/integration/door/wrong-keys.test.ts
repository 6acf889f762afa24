import { once } from 'node:events';
import { expect, test } from 'vitest';
import { post } from '../../support/caller.ts';
import { callRaw, type RawCaller } from '../../support/raw-caller.ts';
import { type Door, newKey, openDoor, PAYMENT } from './door.ts';
import { answersIn } from './raw.ts';

/** Guesses so often at once; without bodies, so that the connection stays. Resolves when all are answered. */
async function guessAtOnce(caller: RawCaller, times: number): Promise<void> {
  const guesses = Array.from(
    { length: times },
    () => `POST /proxy HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${newKey()}\r\nContent-Length: 0\r\n\r\n`,
  );
  const answers = () => caller.text.split('"requestId"').length - 1;
  const expected = answers() + times;
  caller.socket.write(guesses.join(''));
  while (answers() < expected) await once(caller.socket, 'data');
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
  const guessers = await Promise.all(Array.from({ length: 10 }, () => callRaw(door.port)));

  const rightStatuses: number[] = [];
  for (let round = 0; round < 20; round++) {
    const guessing = guessers.map((guesser) => guessAtOnce(guesser, 50));
    rightStatuses.push((await post(door.port, PAYMENT, { headers: door.pass })).status);
    await Promise.all(guessing);
  }

  expect(rightStatuses).toEqual(Array(20).fill(200));
  expect(door.requests).toBe(20);
  for (const { socket } of guessers) socket.end();
  const wrong = (await Promise.all(guessers.map(({ ended }) => ended))).flatMap(answersIn);
  expect(wrong).toHaveLength(10_000);
  // Those that come in one piece are counted before the first of them is answered: fewer than ten may still get a 401.
  expect(wrong.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(10);
  expect(wrong.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(9_990);
}, 60_000);
