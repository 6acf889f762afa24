import { describe, expect, test } from 'vitest';
import { IdleLimit, keepAliveHint } from '../../../src/upstream/idle-limit.ts';

const SETTING_MS = 30_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Closes of used connections after these lives, a minute apart, the last of them at the time that is returned. */
function close(limit: IdleLimit, ...livesMs: readonly number[]): number {
  livesMs.forEach((lifeMs, index) => {
    limit.peerClosed('used', lifeMs, index * MINUTE_MS);
  });
  return (livesMs.length - 1) * MINUTE_MS;
}

test('without hint and lessons the setting holds', () => {
  expect(new IdleLimit(SETTING_MS).limitMs('used', 0)).toBe(30_000);
});

describe('a hint', () => {
  test('is undercut by a second', () => {
    const limit = new IdleLimit(SETTING_MS);
    limit.hint(5);
    expect(limit.limitMs('used', 0)).toBe(4_000);
    expect(limit.limitMs('unused', 0)).toBe(4_000);
  });

  test('longer than the setting changes nothing', () => {
    const limit = new IdleLimit(SETTING_MS);
    limit.hint(75);
    expect(limit.limitMs('used', 0)).toBe(30_000);
  });

  test.each([0, 1])('of %i s forbids reuse', (seconds) => {
    const limit = new IdleLimit(SETTING_MS);
    limit.hint(seconds);
    expect(limit.limitMs('used', 0)).toBe(0);
  });

  test('gives way to a later one', () => {
    const limit = new IdleLimit(SETTING_MS);
    limit.hint(3);
    limit.hint(11);
    expect(limit.limitMs('used', 0)).toBe(10_000);
  });
});

describe('what closes teach', () => {
  test('is nothing before there were three', () => {
    const limit = new IdleLimit(SETTING_MS);
    expect(limit.limitMs('used', close(limit, 2_000, 2_000))).toBe(30_000);
  });

  test('is four fifths of the second shortest life', () => {
    const limit = new IdleLimit(SETTING_MS);
    expect(limit.limitMs('used', close(limit, 9_000, 500, 2_000))).toBe(1_600);
  });

  test('is the same in any order', () => {
    const orders = [
      [500, 2_000, 9_000],
      [2_000, 500, 9_000],
      [9_000, 2_000, 500],
    ];
    for (const lives of orders) {
      const limit = new IdleLimit(SETTING_MS);
      expect(limit.limitMs('used', close(limit, ...lives))).toBe(1_600);
    }
  });

  test('is the life itself where all lives are the same', () => {
    const limit = new IdleLimit(SETTING_MS);
    expect(limit.limitMs('used', close(limit, 2_000, 2_000, 2_000))).toBe(1_600);
  });

  test('is one lesson, however many connections end within a second', () => {
    const limit = new IdleLimit(SETTING_MS);
    for (const atMs of [0, 1, 500, 999]) limit.peerClosed('used', 3_000, atMs);
    expect(limit.limitMs('used', 999)).toBe(30_000);
  });

  test('says nothing of connections that were never used, nor the other way round', () => {
    const limit = new IdleLimit(SETTING_MS);
    const nowMs = close(limit, 2_000, 2_000, 2_000);
    expect(limit.limitMs('unused', nowMs)).toBe(30_000);
  });

  test('is forgotten after an hour', () => {
    const limit = new IdleLimit(SETTING_MS);
    close(limit, 2_000, 2_000, 2_000);
    expect(limit.limitMs('used', HOUR_MS)).toBe(1_600);
    expect(limit.limitMs('used', HOUR_MS + 1)).toBe(30_000);
  });

  test('never raises the limit above the setting or the hint', () => {
    const limit = new IdleLimit(SETTING_MS);
    limit.hint(11);
    expect(limit.limitMs('used', close(limit, 90_000, 90_000, 90_000))).toBe(10_000);
  });

  test('is bounded, however often a peer closes', () => {
    const limit = new IdleLimit(SETTING_MS);
    const nowMs = close(limit, 5_000, 5_000, ...Array.from({ length: 59 }, () => 20_000));
    expect(limit.limitMs('used', nowMs)).toBe(4_000);
    for (let index = 1; index <= 64; index += 1) limit.peerClosed('used', 10_000, nowMs + index * 1_000);
    expect(limit.limitMs('used', nowMs + MINUTE_MS)).toBe(8_000);
  });
});

describe('the hint in an answer', () => {
  test.each([
    ['timeout=5', 5],
    ['timeout=5, max=100', 5],
    ['max=100, timeout=5', 5],
    ['Timeout = 5', 5],
    ['timeout="5"', 5],
  ])('%s is read', (value, seconds) => {
    expect(keepAliveHint(['Server', 'x', 'KEEP-ALIVE', value])).toBe(seconds);
  });

  test.each(['max=100', 'timeout=', 'timeout=soon', 'xtimeout=5', ''])('%s is none', (value) => {
    expect(keepAliveHint(['Keep-Alive', value])).toBeUndefined();
  });

  test('is looked for in names only', () => {
    expect(keepAliveHint(['X-Word', 'keep-alive', 'timeout=5', 'x'])).toBeUndefined();
    expect(keepAliveHint([])).toBeUndefined();
  });
});
