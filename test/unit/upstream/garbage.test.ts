import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import { noteCompleted, notePassed } from '../../../src/upstream/garbage.ts';

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

/** What the heap holds is told by the tests, since V8 may find garbage by itself at any time; its collector is the real one. */
const heap = vi.hoisted(() => ({ bytes: 0 }));
vi.mock('node:v8', async (original) => ({
  ...(await original<typeof import('node:v8')>()),
  getHeapStatistics: () => ({ used_heap_size: heap.bytes, external_memory: 0 }),
}));

const AT_FIRST = 20 * MIB;

// Each test begins after a rest.
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  heap.bytes = AT_FIRST;
  notePassed(1);
  vi.advanceTimersByTime(10 * REST_MS);
  await looks();
});
afterEach(() => {
  vi.useRealTimers();
});

/** How often somebody has asked V8 to look at all objects since this was asked last. Node tells of it two turns later. */
async function looks(): Promise<number> {
  for (let turns = 0; turns < 3; turns += 1) await turn();
  const { NODE_PERFORMANCE_GC_MAJOR: major, NODE_PERFORMANCE_GC_FLAGS_FORCED: forced } = constants;
  const asked = collections.filter(({ detail }) => detail.kind === major && (detail.flags & forced) !== 0);
  collections = [];
  return asked.length;
}

it('after a rest V8 looks at all objects, once', async () => {
  notePassed(1);
  heap.bytes = AT_FIRST + 8 * MIB;
  vi.advanceTimersByTime(REST_MS - 1);
  expect(await looks()).toBe(0);

  vi.advanceTimersByTime(1);
  expect(await looks()).toBe(1);
  vi.advanceTimersByTime(10 * REST_MS);
  expect(await looks()).toBe(0);
});

it('as long as bodies pass, that look is put off', async () => {
  heap.bytes = AT_FIRST + 8 * MIB;
  for (let passed = 0; passed < 10; passed += 1) {
    notePassed(1);
    vi.advanceTimersByTime(REST_MS - 1);
  }
  expect(await looks()).toBe(0);

  vi.advanceTimersByTime(2 * REST_MS);
  expect(await looks()).toBe(1);
});

it('what calls that were waiting needed at one look is looked for again after the next rest', async () => {
  notePassed(1);
  heap.bytes = AT_FIRST + 8 * MIB;
  vi.advanceTimersByTime(REST_MS);
  expect(await looks()).toBe(1);

  notePassed(1);
  vi.advanceTimersByTime(REST_MS);
  expect(await looks()).toBe(1);
});

it('where little has come there is none', async () => {
  notePassed(1);
  heap.bytes = AT_FIRST + 8 * MIB - 1;
  vi.advanceTimersByTime(10 * REST_MS);
  expect(await looks()).toBe(0);
});

it('the exchange that was completed last is kept through that look, and no longer, since V8 forgets with the last of a kind', async () => {
  notePassed(1);
  const last = new WeakRef(completeOneMore());
  await aTurn();
  heap.bytes = AT_FIRST + 8 * MIB;
  vi.advanceTimersByTime(REST_MS);
  expect(await looks()).toBe(1);
  expect(isKept(last)).toBe(true);
  await aTurn();

  notePassed(1);
  vi.advanceTimersByTime(REST_MS);
  expect(await looks()).toBe(1);
  expect(isKept(last)).toBe(false);
});

function completeOneMore(): object {
  const exchange = { complete: true };
  noteCompleted(exchange);
  return exchange;
}

/** Whoever makes or asks a WeakRef keeps its target until this turn of the event loop ends. */
const aTurn = () => turn();

/** In a function of its own, so that no variable of the test keeps it. */
function isKept(exchange: WeakRef<object>): boolean {
  return exchange.deref() !== undefined;
}
