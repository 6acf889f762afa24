import { expect, test } from 'vitest';
import { difference, figure, median, quantile, ratio } from '../../../scripts/bench/figures.ts';

test('the median of an even number of figures lies between the middle two', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('a figure has the lowest and the highest round beside its median', () => {
  expect(figure([3, 1, 8])).toEqual({ median: 3, low: 1, high: 8 });
});

test('contenders are compared round by round, so that a disturbed round changes no ratio', () => {
  const ours = [50, 500, 60];
  const naive = [100, 1000, 120];

  expect(ratio(ours, naive)).toEqual({ median: 0.5, low: 0.5, high: 0.5 });
  expect(difference([2, 12, 2.5], [1, 11, 1.5])).toEqual({ median: 1, low: 1, high: 1 });
});

test('p99 of a hundred calls is the slowest but one', () => {
  const times = Array.from({ length: 100 }, (_, at) => 100 - at);

  expect(quantile(times, 0.99)).toBe(99);
  expect(quantile(times, 0.5)).toBe(50);
  expect(quantile([7], 0.99)).toBe(7);
});
