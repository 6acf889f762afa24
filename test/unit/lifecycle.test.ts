import { expect, test } from 'vitest';
import { Lifecycle, type LivingCall } from '../../src/lifecycle.ts';

test('a state is never left for an earlier one: a service that was stopped while it drained stays stopped', () => {
  const lifecycle = new Lifecycle();
  expect(lifecycle.state).toBe('starting');

  for (const state of ['ready', 'draining', 'stopped', 'closing', 'ready'] as const) lifecycle.become(state);

  expect(lifecycle.state).toBe('stopped');
});

test('it is empty at once if nothing is in flight, else when the last call has left', async () => {
  const lifecycle = new Lifecycle<LivingCall>();
  const a = call();
  const b = call();
  await lifecycle.empty();
  const refused = call();
  for (const each of [a, b, refused]) lifecycle.begin(each);
  for (const each of [a, b]) lifecycle.enter(each);
  let empty = false;
  const waited = lifecycle.empty().then(() => {
    empty = true;
  });

  lifecycle.leave(a);
  await Promise.resolve();
  expect(empty).toBe(false);
  expect(lifecycle.inFlight).toBe(1);
  expect([...lifecycle.calls]).toEqual([refused, b]);

  lifecycle.leave(b);
  await waited;
  expect(lifecycle.inFlight).toBe(0);
  expect(lifecycle.calls).toEqual([refused]);
});

function call(): LivingCall {
  return { place: undefined, isInFlight: false };
}
