import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Flying, InFlight } from '../../src/lifecycle/in-flight.ts';

test('whatever enters and leaves, in any order and twice, those are listed that have entered and not left', () => {
  const calls = fc.integer({ min: 0, max: 9 });
  fc.assert(
    fc.property(fc.array(calls, { maxLength: 60 }), (steps) => {
      const inFlight = new InFlight<Flying>();
      const expected = new Set<Flying>();
      const all = Array.from({ length: 10 }, (): Flying => ({ place: undefined }));
      for (const step of steps) {
        const call = all[step] as Flying;
        if (expected.has(call)) {
          inFlight.leave(call);
          expected.delete(call);
        } else {
          inFlight.leave(call);
          inFlight.enter(call);
          expected.add(call);
        }
        expect(inFlight.size).toBe(expected.size);
        expect(inFlight.list().every((each) => expected.has(each))).toBe(true);
      }
    }),
  );
});

test('what enters or leaves while one goes through the list changes nothing of it', () => {
  const inFlight = new InFlight<Flying>();
  const calls = Array.from({ length: 3 }, (): Flying => ({ place: undefined }));
  for (const call of calls) inFlight.enter(call);

  const seen = inFlight.list().map((call) => {
    inFlight.leave(call);
    return call;
  });

  expect(seen).toEqual(calls);
  expect(inFlight.size).toBe(0);
});
