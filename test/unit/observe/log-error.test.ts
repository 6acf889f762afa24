import { expect, test } from 'vitest';
import { describeError } from '../../../src/observe/log-error.ts';

test('an error is told by its name, its code and the places in the code', () => {
  const { error, errorCode, at } = describeError(Object.assign(new RangeError('text'), { code: 'ERR_X' }));

  expect(error).toBe('RangeError');
  expect(errorCode).toBe('ERR_X');
  expect(at?.[0]).toMatch(/log-error\.test\.ts:\d+:\d+/);
});

test.each([
  ['on one line', 'the body was {"card":"secret"}'],
  ['on many lines, one like a place in the code', 'first\n    at secret (secret.ts:1:1)\nlast'],
  ['with the text of its own name', 'Error\n    at secret'],
])('its text is never told: %s', (_name, message) => {
  const described = JSON.stringify(describeError(new Error(message)));

  expect(described).not.toContain('secret');
  expect(described).toContain('log-error.test.ts');
});

test('nor that of its cause', () => {
  const cause = new Error('secret');

  expect(JSON.stringify(describeError(new Error('text', { cause })))).not.toContain('secret');
});

test.each([
  ['a text', 'secret'],
  ['an object', { message: 'secret' }],
  ['nothing', undefined],
])('of what is no error, only the type is told: %s', (_name, thrown) => {
  expect(describeError(thrown)).toEqual({ error: typeof thrown });
});

test('a code that is not a text, or an error without a stack, does no harm', () => {
  const error = Object.assign(new Error('secret'), { code: 7, stack: undefined });

  expect(describeError(error)).toEqual({ error: 'Error', at: [] });
});
