import { expect, test } from 'vitest';
import { parseOptions, SECTIONS } from '../../../scripts/bench/options.ts';

test('without options everything is measured, in several rounds, on the Node that runs the bench', () => {
  const options = parseOptions([], '/usr/bin/node');

  expect(options).toMatchObject({ sections: SECTIONS, contenders: undefined, node: '/usr/bin/node' });
  expect(options.effort.rounds).toBeGreaterThan(2);
});

test('--only takes parts of the bench, and says which there are', () => {
  expect(parseOptions(['--only', 'latency,start'], 'node').sections).toEqual(['latency', 'start']);
  expect(() => parseOptions(['--only', 'speed'], 'node')).toThrow('cost,bodies,callers');
});

test('--quick is one short round, unless more is asked for', () => {
  expect(parseOptions(['--quick'], 'node').effort.rounds).toBe(1);
  expect(parseOptions(['--quick', '--rounds', '2'], 'node').effort.rounds).toBe(2);
});

test('numbers that make no sense and options that do not exist are refused', () => {
  expect(() => parseOptions(['--rounds', '0'], 'node')).toThrow('--rounds');
  expect(() => parseOptions(['--seconds', 'four'], 'node')).toThrow('--seconds');
  expect(() => parseOptions(['--fast'], 'node')).toThrow('--fast');
});

test('a document is written from a whole run only', () => {
  expect(parseOptions(['--write', 'docs/performance.md'], 'node').document).toBe('docs/performance.md');
  expect(() => parseOptions(['--write', 'a.md', '--only', 'cost'], 'node')).toThrow('whole run');
});
