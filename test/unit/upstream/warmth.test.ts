import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Warmth } from '../../../src/upstream/warmth.ts';

const TARGET = 3;
const HEALTHY_MS = 10_000;
const TEN_MINUTES_MS = 600_000;

const onRested = vi.fn();
let warmth: Warmth;

beforeEach(() => {
  vi.useFakeTimers();
  onRested.mockReset();
  warmth = new Warmth(TARGET, onRested);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** How long the rest lasts that has just begun, in ms. */
function restMs(): number {
  const beganAtMs = Date.now();
  vi.advanceTimersToNextTimer();
  return Date.now() - beganAtMs;
}

/** Lets a connection fail, and returns the rest that follows. */
function failAndRest(): number {
  warmth.failed();
  return restMs();
}

test('all are wanted at first', () => {
  expect(warmth.wanted).toBe(TARGET);
});

test('after a failure none is wanted until the rest is over, which is told once', () => {
  warmth.failed();
  expect(warmth.wanted).toBe(0);
  vi.runAllTimers();
  expect(warmth.wanted).toBe(TARGET);
  expect(onRested).toHaveBeenCalledTimes(1);
});

test('rests double from one second to a minute', () => {
  vi.spyOn(Math, 'random').mockReturnValue(1);
  expect(Array.from({ length: 8 }, failAndRest)).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1_000));
});

test('chance shortens a rest by up to a half', () => {
  vi.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValueOnce(0.5);
  expect(failAndRest()).toBe(500);
  expect(failAndRest()).toBe(1_500);
});

test('connections that fail together count as one failure', () => {
  vi.spyOn(Math, 'random').mockReturnValue(1);
  for (let index = 0; index < TARGET; index += 1) warmth.failed();
  expect(restMs()).toBe(1_000);
  expect(failAndRest()).toBe(2_000);
});

test('a connection that lived for ten seconds makes the next rest a short one', () => {
  vi.spyOn(Math, 'random').mockReturnValue(1);
  for (let index = 0; index < 5; index += 1) failAndRest();
  warmth.ended(HEALTHY_MS, true);
  expect(restMs()).toBe(1_000);
});

test('a connection that we ended ourselves is replaced at once', () => {
  warmth.ended(100, false);
  expect(warmth.wanted).toBe(TARGET);
});

test('a host that closes three unused connections in a row within five seconds is left alone for ten minutes', () => {
  warmth.ended(100, true);
  vi.runAllTimers();
  warmth.ended(4_999, true);
  vi.runAllTimers();
  warmth.ended(100, true);
  expect(restMs()).toBe(TEN_MINUTES_MS);
  expect(warmth.wanted).toBe(TARGET);
});

test('three that the host closes together are one close', () => {
  for (let index = 0; index < TARGET; index += 1) warmth.ended(100, true);
  expect(restMs()).toBeLessThanOrEqual(1_000);
});

test.each([
  ['one that lived for five seconds', 5_000, true],
  ['one that a call had used', 100, false],
])('%s breaks the row', (_, lifeMs, unwelcome) => {
  warmth.ended(100, true);
  vi.runAllTimers();
  warmth.ended(100, true);
  vi.runAllTimers();
  warmth.ended(lifeMs, unwelcome);
  vi.runAllTimers();
  warmth.ended(100, true);
  expect(restMs()).toBeLessThanOrEqual(60_000);
});

test('new credentials end a rest, and what was is forgotten', () => {
  vi.spyOn(Math, 'random').mockReturnValue(1);
  for (let index = 0; index < 5; index += 1) failAndRest();
  warmth.failed();
  warmth.restart();
  expect(warmth.wanted).toBe(TARGET);
  expect(vi.getTimerCount()).toBe(0);
  expect(failAndRest()).toBe(1_000);
});

test('once stopped it wants none, and leaves no timer behind', () => {
  warmth.failed();
  warmth.stop();
  expect(vi.getTimerCount()).toBe(0);
  warmth.failed();
  warmth.ended(100, true);
  expect(vi.getTimerCount()).toBe(0);
  expect(warmth.wanted).toBe(0);
});
