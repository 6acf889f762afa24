import { expect, test } from 'vitest';
import { divide } from '../../../scripts/bench/cores.ts';

test('what is measured has a core of its own, and the others share the rest', () => {
  expect(divide('0-1')).toEqual({ contender: '1', others: '0' });
  expect(divide('0-3,8')).toEqual({ contender: '1', others: '0,2,3,8' });
  expect(divide('5,7')).toEqual({ contender: '7', others: '5' });
});

test('a single core is not dealt out', () => {
  expect(divide('3')).toEqual({ contender: undefined, others: undefined });
});
