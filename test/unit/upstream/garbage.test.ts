import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import { notePassed } from '../../../src/upstream/garbage.ts';

const REST_MS = 8_000;
const MIB = 1_048_576;

/** Node's types leave out what it tells of a collection. */
type Collection = PerformanceEntry & { readonly detail: { readonly kind: number; readonly flags: number } };

let collections: Collection[] = [];
const observer = new PerformanceObserver((list) => {
  collections.push(...(list.getEntries() as Collection[]));
});
observer.observe({ entryTypes: ['gc'] });
afterAll(() => observer.disconnect());

// Each test begins after a rest, and what the one before it has held is found by then.
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  notePassed(1);
  vi.advanceTimersByTime(10 * REST_MS);
  await looks();
});
afterEach(() => {
  vi.useRealTimers();
});

/** How often somebody has asked V8 to look at all objects since this was asked last. Node tells of it a turn later. */
async function looks(): Promise<number> {
  await turn();
  await turn();
  const { NODE_PERFORMANCE_GC_MAJOR: major, NODE_PERFORMANCE_GC_FLAGS_FORCED: forced } = constants;
  const asked = collections.filter(({ detail }) => detail.kind === major && (detail.flags & forced) !== 0);
  collections = [];
  return asked.length;
}

/** Buffers that live until the look has been taken. */
function hold(bytes: number): Buffer {
  return Buffer.alloc(bytes, 1);
}

it('after a rest V8 looks at all objects, once', async () => {
  const held = hold(16 * MIB);
  notePassed(1);
  vi.advanceTimersByTime(REST_MS - 1);
  expect(await looks()).toBe(0);

  vi.advanceTimersByTime(1);
  expect(await looks()).toBe(1);
  vi.advanceTimersByTime(10 * REST_MS);
  expect(await looks()).toBe(0);
  expect(held).toHaveLength(16 * MIB);
});

it('as long as bodies pass, that look is put off', async () => {
  const held = hold(16 * MIB);
  for (let passed = 0; passed < 10; passed += 1) {
    notePassed(1);
    vi.advanceTimersByTime(REST_MS - 1);
  }
  expect(await looks()).toBe(0);

  vi.advanceTimersByTime(2 * REST_MS);
  expect(await looks()).toBe(1);
  expect(held).toHaveLength(16 * MIB);
});

it('what calls that were waiting needed at the last look is found at the next', async () => {
  let held: Buffer | undefined = hold(16 * MIB);
  notePassed(held.length % 2);
  vi.advanceTimersByTime(REST_MS);
  expect(await looks()).toBe(1);

  held = undefined;
  notePassed(1);
  vi.advanceTimersByTime(REST_MS);
  expect(await looks()).toBe(1);
  expect(held).toBeUndefined();
});

it('where little has come since the last one, there is none', async () => {
  notePassed(1);
  vi.advanceTimersByTime(10 * REST_MS);
  expect(await looks()).toBe(0);
});
