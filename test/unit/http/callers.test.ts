import { timingSafeEqual } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Secret } from '../../../src/config/secret.ts';
import { Callers } from '../../../src/http/authenticate.ts';

vi.mock(import('node:crypto'), async (original) => {
  const crypto = await original();
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) };
});

const KEYS = ['a', 'b', 'c'].map((letter) => letter.repeat(40));
const [FIRST = '', SECOND = '', THIRD = ''] = KEYS;

const named = (...keys: readonly string[]) =>
  keys.map((key, index) => ({ name: `shop-${index + 1}`, key: new Secret(key) }));

beforeEach(() => {
  vi.mocked(timingSafeEqual).mockClear();
});

describe('the time that a key costs', () => {
  const callers = new Callers(named(...KEYS));

  it.each([
    ['the first key', `Bearer ${FIRST}`],
    ['the last key', `Bearer ${THIRD}`],
    ['a key that is wrong in its first character', `Bearer x${FIRST.slice(1)}`],
    ['a key that is wrong in its last character', `Bearer ${FIRST.slice(0, -1)}x`],
    ['a key that is too short', 'Bearer a'],
    ['no key', undefined],
    ['another scheme', `Basic ${FIRST}`],
  ])('is one comparison of digests for each key that exists, with %s', (_, authorization) => {
    callers.nameOf(authorization);

    expect(timingSafeEqual).toHaveBeenCalledTimes(KEYS.length);
    for (const [known, sent] of vi.mocked(timingSafeEqual).mock.calls) {
      expect([known.byteLength, sent.byteLength]).toEqual([32, 32]);
    }
  });
});

describe('the name behind a key', () => {
  const callers = new Callers(named(...KEYS));

  it.each([
    [`Bearer ${FIRST}`, 'shop-1'],
    [`Bearer ${SECOND}`, 'shop-2'],
    [`bearer ${THIRD}`, 'shop-3'],
    [`BEARER   ${THIRD}`, 'shop-3'],
  ])('is found in %j', (authorization, name) => {
    expect(callers.nameOf(authorization)).toBe(name);
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    FIRST,
    `Bearer${FIRST}`,
    `Bearer\t${FIRST}`,
    `Bearer ${FIRST} `,
    `Bearer ${FIRST}, Bearer ${FIRST}`,
    `Bearer ${FIRST} ${SECOND}`,
    `Bearer ${FIRST}=`,
    `Bearer "${FIRST}"`,
    `Bearer ${FIRST.toUpperCase()}`,
    `Bearer ${FIRST}${FIRST}`,
    `Basic ${FIRST}`,
    `Token ${FIRST}`,
    `Bearer ${FIRST}\0`,
  ])('is not found in %j', (authorization) => {
    expect(callers.nameOf(authorization)).toBeUndefined();
  });
});

describe('a rotation', () => {
  it('lets the old key and the new one in together, and then the new one alone', () => {
    const callers = new Callers(named(FIRST));
    const accepted = () => KEYS.filter((key) => callers.nameOf(`Bearer ${key}`) !== undefined);

    callers.adopt(named(FIRST, SECOND));
    expect(accepted()).toEqual([FIRST, SECOND]);

    callers.adopt(named(SECOND));
    expect(accepted()).toEqual([SECOND]);
  });

  it('that takes away the last key lets nobody in', () => {
    const callers = new Callers(named(FIRST));

    callers.adopt([]);

    expect(callers.needsKey).toBe(true);
    expect(callers.nameOf(`Bearer ${FIRST}`)).toBeUndefined();
  });

  it('that brings the first key closes a door that was open', () => {
    const callers = new Callers([]);
    expect(callers.needsKey).toBe(false);

    callers.adopt(named(FIRST));

    expect(callers.needsKey).toBe(true);
  });
});
