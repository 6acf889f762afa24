import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEmptyObject, membersAt, parseMembers, textAt, valueAt } from '../../../src/forward/json.ts';
import { membersText, objectText, stringText, valueText } from './json-texts.ts';

const MEBIBYTE = 1 << 20;

const written = membersText.chain((members) => objectText(members).map((text) => ({ members, text })));

/** What is one character away from JSON, and often JSON still. */
const almostJson = fc
  .tuple(
    fc.oneof(
      valueText,
      written.map(({ text }) => text),
    ),
    fc.nat(),
    fc.constantFrom(...'{}[]",:\\/ \t\n\r\f\v\u00a0\ufeff+-.019eEaftnul\u0000\u001f\u007fé결💳', ''),
    fc.boolean(),
  )
  .map(([text, where, character, replaces]) => {
    const at = where % (text.length + 1);
    return text.slice(0, at) + character + text.slice(replaces ? at + 1 : at);
  });

/** @returns the names and values as they are written, or nothing where `bytes` is no JSON object */
function scan(bytes: Buffer): [name: string, value: string][] | undefined {
  return parseMembers(bytes)?.map((member) => [member.name, textAt(bytes, member)]);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isAccepted(bytes: Buffer): boolean {
  try {
    parseMembers(bytes);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ name: 'ProxyError', code: 'invalid_json' });
    return false;
  }
}

describe('a text', () => {
  it('is JSON where JSON.parse takes it for that, and nowhere else', () => {
    const texts = fc.oneof(almostJson, valueText, stringText, fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(texts, (text) => {
        // In UTF-8, half a surrogate pair becomes another character.
        const bytes = Buffer.from(text);
        expect(isAccepted(bytes)).toBe(isJson(bytes.toString()));
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ...['', ' ', '-', '+1', '01', '-01', '1.', '.5', '1.e2', '1e', '1e+', '0x1', '1_0', 'NaN', 'Infinity', '1 2'],
    ...[
      'tru',
      'True',
      'nulll',
      'nul',
      'undefined',
      "'a'",
      '"a',
      '"\\',
      '"\\"',
      '"\\x"',
      '"\\u12"',
      '"\\u12g4"',
      '"\t"',
    ],
    ...['[', ']', '[1', '[1,', '[1,]', '[,1]', '[1 2]', '[1}', '{', '}', '{]', '{"a"', '{"a":', '{"a":1', '{"a":1,'],
    ...[
      '{"a":1,}',
      '{a:1}',
      '{"a"1}',
      '{"a",1}',
      '{1:2}',
      '{"a":1]',
      '{"a":{]}',
      '[{"a":1]}',
      '[[]',
      '[]]',
      '{}{}',
      '\v1',
    ],
  ])('is no JSON: %j', (text) => {
    expect(isJson(text)).toBe(false);
    expect(isAccepted(Buffer.from(text))).toBe(false);
  });

  it.each([
    ...['0', '-0', '10', '-1.5e+10', '1E5', '1e-5', '0.0', ' true ', '\tfalse\r\n', 'null', '""', '"\\u00e9\\ud83d"'],
    ...['"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\u007f"', '[]', '[[]]', '[{},{"":[]}]', '{"":{"":{}}}', ' [ 1 , [ ] , { } ] '],
  ])('is JSON: %j', (text) => {
    expect(isJson(text)).toBe(true);
    expect(isAccepted(Buffer.from(text))).toBe(true);
  });

  it('has no members unless it is an object', () => {
    fc.assert(
      fc.property(valueText, (text) => {
        const value: unknown = JSON.parse(text);
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        expect(scan(Buffer.from(text)) !== undefined).toBe(isObject);
      }),
    );
  });
});

describe('the members of a JSON object', () => {
  it('are found as they are written, with decoded names, repeated ones included', () => {
    fc.assert(
      fc.property(written, ({ members, text }) => {
        const found = scan(Buffer.from(text));
        expect(found).toEqual(members.map(([name, value]) => [JSON.parse(name), Buffer.from(value).toString()]));
      }),
      { numRuns: 1000 },
    );
  });

  it('have the values that JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (dictionary) => {
        const bytes = Buffer.from(JSON.stringify(dictionary, null, 1));
        const built = parseMembers(bytes)?.map((member) => [member.name, valueAt(bytes, member)]);
        expect(Object.fromEntries(built ?? [])).toEqual(JSON.parse(bytes.toString()));
      }),
      { numRuns: 1000 },
    );
  });

  it('are found inside another text as well', () => {
    fc.assert(
      fc.property(written, ({ text }) => {
        const bytes = Buffer.from(`[${text}]`);
        const inside = membersAt(bytes, 1)?.map((member) => [member.name, textAt(bytes, member)]);
        expect(inside).toEqual(scan(Buffer.from(text)));
        expect(membersAt(bytes, 0)).toBeUndefined();
      }),
    );
  });

  it('are none in an object with nothing but white space', () => {
    fc.assert(
      fc.property(written, ({ members, text }) => {
        const bytes = Buffer.from(text);
        expect(isEmptyObject(bytes, { name: '', start: 0, end: bytes.length })).toBe(members.length === 0);
      }),
    );
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
    expect(scan(Buffer.from(text))).toEqual([
      ['a', value.trim()],
      ['b', '1'],
    ]);
  });

  it('are found in linear time when there are a hundred thousand of them', () => {
    const text = `{${'"\\u0061":"",'.repeat(100_000)}"b":1}`;
    expect(scan(Buffer.from(text))).toHaveLength(100_001);
  });
});
