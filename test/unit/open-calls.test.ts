import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type OpenCall, OpenCalls } from '../../src/lifecycle/open-calls.ts';

test('whatever enters and leaves, in any order and twice, those are listed that have entered and not left', () => {
  const calls = fc.integer({ min: 0, max: 9 });
  fc.assert(
    fc.property(fc.array(calls, { maxLength: 60 }), (steps) => {
      const openCalls = new OpenCalls<OpenCall>();
      const expected = new Set<OpenCall>();
      const all = Array.from({ length: 10 }, (): OpenCall => ({ place: undefined }));
      for (const step of steps) {
        const call = all[step] as OpenCall;
        if (expected.has(call)) {
          openCalls.leave(call);
          expected.delete(call);
        } else {
          openCalls.leave(call);
          openCalls.enter(call);
          expected.add(call);
        }
        expect(openCalls.list()).toHaveLength(expected.size);
        expect(openCalls.list().every((each) => expected.has(each))).toBe(true);
      }
    }),
  );
});

test('what enters or leaves while one goes through the list changes nothing of it', () => {
  const openCalls = new OpenCalls<OpenCall>();
  const calls = Array.from({ length: 3 }, (): OpenCall => ({ place: undefined }));
  for (const call of calls) openCalls.enter(call);

  const seen = openCalls.list().map((call) => {
    openCalls.leave(call);
    return call;
  });

  expect(seen).toEqual(calls);
  expect(openCalls.list()).toEqual([]);
});
