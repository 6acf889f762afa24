import type { Random } from './random.ts';

/** The body of a call: as it stands in the envelope, and the bytes that must reach the payment API. */
export interface PlannedBody {
  /** JSON; none if the envelope has no field `body`. */
  readonly json: string | undefined;
  /** None if no body is to be sent. */
  readonly bytes: Buffer | undefined;
}

const NOTHING: PlannedBody = { json: undefined, bytes: undefined };

/** What stands for "no body": an absent field, null, an empty string, an empty object. */
const NO_BODIES: readonly PlannedBody[] = ['null', '""', '{}', '{ \n}'].map((json) => ({ json, bytes: undefined }));

/** Numbers that a program which parses and prints them again would change. */
const NUMBERS = ['12345678901234567890', '1.10', '-0', '1E400', '0.1000000000000000055', '1e+2', '15000', '-0.0e-7'];

const STRINGS = [
  '"caf\\u00e9"',
  '"\\/path\\/"',
  '"\\"}{]["',
  '"아메리카노 3잔"',
  '"\\ud83d\\ude00"',
  '"😀"',
  '"\\ud800"',
  '"\u007f\\u0000"',
  '"\\\\"',
];

/** Keys in an order that an object of JavaScript would not keep, some of them twice. */
const KEYS = ['"amount"', '"10"', '"2"', '"__proto__"', '"금액"', '"\\u0061mount"', '""', '"amount"', '"toString"'];

const SPACES = ['', '', '', ' ', '\n', '\t ', '\r\n  '];

const TEXTS = [
  '{}',
  'orderNo=1&amount=15000',
  '{"a":1.0}',
  '결제 요청 😀',
  '\u0000\u0001',
  'x',
  '<?xml version="1.0"?>',
];

/** @param mayBeLarge whether it may have up to some 200 KiB */
export function planBody(random: Random, mayBeLarge: boolean): PlannedBody {
  const kind = random.weighted([
    ['object', 50],
    ['array', 10],
    ['text', 12],
    ['large', mayBeLarge ? 6 : 0],
    ['emptyArray', 2],
    ['none', 10],
    ['absent', 10],
  ]);
  switch (kind) {
    case 'object':
      return asItStands(object(random, 3));
    case 'array':
      return asItStands(array(random, 3));
    case 'large':
      return large(random);
    case 'text':
      return fromString(random.pick(TEXTS).repeat(random.between(1, 20)));
    case 'emptyArray':
      return asItStands('[]');
    case 'none':
      return random.pick(NO_BODIES);
    case 'absent':
      return NOTHING;
  }
}

/** A body of 20 to 200 KiB. */
export function large(random: Random): PlannedBody {
  const items = Array.from({ length: random.between(1, 20) }, () => value(random, 2)).join(',');
  const times = Math.ceil((random.between(20, 200) * 1024) / Buffer.byteLength(items));
  return random.chance(0.8) ? asItStands(`[${`${items},`.repeat(times)}0]`) : fromString(items.repeat(times));
}

function asItStands(json: string): PlannedBody {
  return { json, bytes: Buffer.from(json) };
}

function fromString(text: string): PlannedBody {
  return { json: JSON.stringify(text), bytes: Buffer.from(text) };
}

function value(random: Random, depth: number): string {
  const kind = depth === 0 ? random.between(0, 2) : random.between(0, 4);
  if (kind === 0) return random.pick(NUMBERS);
  if (kind === 1) return random.pick(STRINGS);
  if (kind === 2) return random.pick(['true', 'false', 'null']);
  return kind === 3 ? object(random, depth - 1) : array(random, depth - 1);
}

function object(random: Random, depth: number): string {
  const keys = random.shuffled(KEYS).slice(0, random.between(1, 5));
  return `{${keys.map((key) => spaced(random, key, ':', value(random, depth))).join(',')}}`;
}

function array(random: Random, depth: number): string {
  const items = Array.from({ length: random.between(1, 4) }, () => spaced(random, value(random, depth)));
  return `[${items.join(',')}]`;
}

function spaced(random: Random, ...tokens: string[]): string {
  return tokens.map((token) => random.pick(SPACES) + token + random.pick(SPACES)).join('');
}
