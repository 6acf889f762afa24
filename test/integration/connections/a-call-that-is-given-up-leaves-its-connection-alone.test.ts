import { expect, test } from 'vitest';
import type { Trace } from '../../../src/upstream/trace.ts';
import { stopClock } from '../../support/clock.ts';
import { until } from '../../support/event-loop.ts';
import { setPoolScene } from '../../support/pool.ts';

const count = (received: string) => received.match(/GET \/ /g)?.length ?? 0;

test('while the connection is being made: the next call finds it ready', async () => {
  const { begin, call, status, upstream } = await setPoolScene();
  const { exchange, trace, ended } = begin();

  exchange.abandon();
  await ended;

  expect(trace).toMatchObject({ outcome: 'not_processed', failure: 'caller_gone' });
  await until(() => status().idle === 1);
  expect(await call()).toMatchObject({ outcome: 'answered', reused: true });
  expect(count(upstream.received)).toBe(1);
});

test('while an idle connection is looked at once more: the next call has it', async () => {
  const moveClock = stopClock();
  const { begin, call, status, upstream } = await setPoolScene();
  await call();
  await until(() => status().idle === 1);
  moveClock(1_000);
  const { exchange, trace, ended } = begin();
  expect(trace.handedOver).toBe(false);

  exchange.abandon();
  await ended;

  expect(trace).toMatchObject({ outcome: 'not_processed', failure: 'caller_gone', phasesMs: {} });
  await until(() => status().idle === 1);
  expect(await call()).toMatchObject({ outcome: 'answered', reused: true });
  expect(count(upstream.received)).toBe(2);
  expect(upstream.connections).toBe(1);
});

test('and as old as it is: what was given up did not use it', async () => {
  const moveClock = stopClock();
  const { begin, call, status } = await setPoolScene({ idleTimeoutMs: 2_000 });
  await call();
  await until(() => status().idle === 1);
  moveClock(1_500);
  const { exchange, ended } = begin();
  exchange.abandon();
  await ended;
  await until(() => status().idle === 1);

  moveClock(1_000);
  expect(await call()).toMatchObject({ outcome: 'answered', reused: false });
});

test('in the very turn in which it has come: the next call has the connection', async () => {
  stopClock();
  const { begin, call, status, upstream } = await setPoolScene();
  await call();
  await until(() => status().idle === 1);
  const { exchange, trace, ended } = begin();

  exchange.abandon();
  await ended;

  expect(trace).toMatchObject({ outcome: 'not_processed', failure: 'caller_gone', phasesMs: {} });
  await until(() => status().idle === 1);
  expect(await call()).toMatchObject({ outcome: 'answered', reused: true });
  expect(count(upstream.received)).toBe(2);
  expect(upstream.connections).toBe(1);
});

test('in the very turn of its hand-over: nothing of it is sent, and the next call is served', async () => {
  const { begin, call, status, upstream } = await setPoolScene();
  await call();
  await until(() => status().idle === 1);
  const { exchange, trace, ended } = begin();
  uponHandOver(trace, () => process.nextTick(() => exchange.abandon()));

  await ended;

  expect(trace).toMatchObject({ outcome: 'unknown', failure: 'caller_gone' });
  expect(trace.phasesMs.send).toBeLessThan(1_000);
  await until(() => status().busy === 0);
  expect((await call()).outcome).toBe('answered');
  expect(count(upstream.received)).toBe(2);
});

test('after its hand-over: the connection goes with it', async () => {
  const { begin, call, status, upstream } = await setPoolScene({}, () => undefined);
  const { exchange, trace, ended } = begin();
  await until(() => count(upstream.received) === 1);

  exchange.abandon();
  await ended;

  expect(trace).toMatchObject({ outcome: 'unknown', failure: 'caller_gone' });
  await until(() => status().busy === 0);
  expect(status().idle).toBe(0);
  void call();
  await until(() => upstream.connections === 2);
});

/** Calls back at the moment at which the call is given its connection, before Node's client hears of that. */
function uponHandOver(trace: Trace, listener: () => void): void {
  let handedOver = false;
  Object.defineProperty(trace, 'handedOver', {
    get: () => handedOver,
    set: (value: boolean) => {
      handedOver = value;
      listener();
    },
  });
}
