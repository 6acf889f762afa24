import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEmptyObject, membersOf, skipWhiteSpace } from '../../../src/forward/json-members.ts';
import { membersText, objectText } from './json-texts.ts';

const MEBIBYTE = 1 << 20;

const scan = (text: string) => [...membersOf(text, skipWhiteSpace(text, 0))];
const written = membersText.chain((members) => objectText(members).map((text) => ({ members, text })));

describe('the members of a JSON object', () => {
  it('are found as they are written, with decoded names, repeated ones included', () => {
    fc.assert(
      fc.property(written, ({ members, text }) => {
        const found = scan(text).map(({ key, start, end }) => [key, text.slice(start, end)]);
        expect(found).toEqual(members.map(([name, value]) => [JSON.parse(name), value]));
      }),
      { numRuns: 1000 },
    );
  });

  it('put together again, mean what JSON.parse reads from the whole', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          written.map(({ text }) => text),
          fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value, null, 1)),
        ),
        (text) => {
          const again = scan(text).map(({ key, start, end }) => `${JSON.stringify(key)}:${text.slice(start, end)}`);
          expect(JSON.stringify(JSON.parse(`{${again.join(',')}}`))).toBe(JSON.stringify(JSON.parse(text)));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('are none in an object with nothing but white space', () => {
    fc.assert(fc.property(written, ({ members, text }) => isEmptyObject(text, 0) === (members.length === 0)));
  });

  it.each([
    ['half a million arrays in each other', `${'['.repeat(MEBIBYTE / 2)}${']'.repeat(MEBIBYTE / 2)}`],
    ['a hundred thousand objects in each other', `${'{"":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['a string of escaped backslashes', `"${'\\\\'.repeat(MEBIBYTE / 2)}"`],
    ['a string of escaped quotes', `"${'\\"'.repeat(MEBIBYTE / 2)}"`],
    ['the same inside an array', `["${'\\"'.repeat(MEBIBYTE / 2)}"]`],
    ['a hundred thousand empty strings', `[${'"",'.repeat(100_000)}""]`],
    ['white space', `${' '.repeat(MEBIBYTE)}0`],
  ])('are found without recursion and in linear time in %s', (_, value) => {
    const text = `{"a":${value},"b":1}`;
    JSON.parse(text);
    expect(scan(text)).toEqual([
      { key: 'a', start: skipWhiteSpace(text, 5), end: text.length - 7 },
      { key: 'b', start: text.length - 2, end: text.length - 1 },
    ]);
  });

  it('are found in linear time when there are a hundred thousand of them', () => {
    const text = `{${'"\\u0061":"",'.repeat(100_000)}"b":1}`;
    expect(scan(text)).toHaveLength(100_001);
  });
});
