import { expect, test } from 'vitest';
import type { Flying } from '../../src/lifecycle/in-flight.ts';
import { Lifecycle } from '../../src/lifecycle.ts';

test('a state is never left for an earlier one: a service that was stopped while it drained stays stopped', () => {
  const lifecycle = new Lifecycle();
  expect(lifecycle.state).toBe('starting');

  for (const state of ['ready', 'draining', 'stopped', 'closing', 'ready'] as const) lifecycle.become(state);

  expect(lifecycle.state).toBe('stopped');
});

test('it is empty at once if nothing is in flight, else when the last call has left', async () => {
  const lifecycle = new Lifecycle<Flying>();
  const a = call();
  const b = call();
  await lifecycle.empty();
  lifecycle.enter(a);
  lifecycle.enter(b);
  let empty = false;
  const waited = lifecycle.empty().then(() => {
    empty = true;
  });

  lifecycle.leave(a);
  const refused = call();
  lifecycle.leave(refused);
  await Promise.resolve();
  expect(empty).toBe(false);
  expect([...lifecycle.calls]).toEqual([b]);

  lifecycle.leave(b);
  await waited;
  expect(lifecycle.inFlight).toBe(0);
});

function call(): Flying {
  return { place: undefined };
}
