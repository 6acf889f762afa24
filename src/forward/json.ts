/**
 * JSON as it lies in a buffer: whether it is JSON (RFC 8259), and where the members of an object stand. No value is built.
 *
 * `JSON.parse` builds all of them, which takes three times as long (64 KiB, Node 24: 180 µs with the search for the
 * members, this 65), and still cannot tell what was written: it rounds digits, reorders names that look like numbers, and
 * keeps only the last of two members with the same name.
 *
 * Bytes are as good as characters here: in UTF-8 no byte of a character beyond ASCII looks like one of ASCII.
 */

import { isUtf8 } from 'node:buffer';
import { ProxyError } from '../errors.ts';

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const SMALL_A = 0x61;
const SMALL_E = 0x65;
const SMALL_F = 0x66;
const SMALL_N = 0x6e;
const SMALL_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** A closing bracket stands so far behind its opening one in ASCII, a brace too. */
const TO_CLOSING = 2;

const LITERALS = ['true', 'false', 'null'].map((literal) => Buffer.from(literal));
/** What may stand behind a backslash, besides `u`. */
const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));

/** Instead of an index: what stands there is not JSON. It may be passed on as an index; nothing stands there. */
const NOT_JSON = -1;

/** What is read beyond the last byte: a control character, which is nowhere allowed. */
const NOTHING = 0;

/** One member of an object: the bytes from `start` up to `end` are its value exactly as it is written. */
export interface Member {
  /** The name with its escapes decoded, so that two spellings of one name are equal. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a whole JSON text, strictly: where a bad byte would become U+FFFD, it is refused, and so is a byte order mark.
 * Takes time in proportion to the text, and no recursion, whatever the text holds.
 *
 * @param bytes JSON in UTF-8 (RFC 8259 §8.1)
 * @returns the members of the object that the text is, in the order in which they are written, those with the same name
 *   included; `undefined` if the text is JSON, but not an object
 * @throws ProxyError `invalid_json`
 */
export function parseMembers(bytes: Buffer): readonly Member[] | undefined {
  if (!isUtf8(bytes)) {
    throw new ProxyError('invalid_json', { message: 'The request body is not valid UTF-8. Send JSON in UTF-8.' });
  }
  const start = skipWhiteSpace(bytes, 0);
  const members: Member[] | undefined = bytes[start] === OPEN_BRACE ? [] : undefined;
  const end = members === undefined ? endOfValue(bytes, start) : readMembers(bytes, start, members);
  if (end === NOT_JSON || skipWhiteSpace(bytes, end) < bytes.length) throw new ProxyError('invalid_json');
  return members;
}

/**
 * The members of an object inside a text that {@link parseMembers} has accepted.
 *
 * @returns `undefined` if what stands at `start` is not an object
 */
export function membersAt(bytes: Buffer, start: number): readonly Member[] | undefined {
  if (bytes[start] !== OPEN_BRACE) return undefined;
  const members: Member[] = [];
  readMembers(bytes, start, members);
  return members;
}

/** The value of a member as it is written. */
export function textAt(bytes: Buffer, { start, end }: Member): string {
  return bytes.toString('utf8', start, end);
}

/** The value of a member, built. */
export function valueAt(bytes: Buffer, member: Member): unknown {
  return isString(bytes, member) ? stringAt(bytes, member.start, member.end) : JSON.parse(textAt(bytes, member));
}

export function isNull(bytes: Buffer, { start }: Member): boolean {
  return bytes[start] === SMALL_N;
}

export function isString(bytes: Buffer, { start }: Member): boolean {
  return bytes[start] === QUOTE;
}

export function isContainer(bytes: Buffer, { start }: Member): boolean {
  return bytes[start] === OPEN_BRACE || bytes[start] === OPEN_BRACKET;
}

/** Whether it is an object without members. */
export function isEmptyObject(bytes: Buffer, { start }: Member): boolean {
  return bytes[start] === OPEN_BRACE && bytes[skipWhiteSpace(bytes, start + 1)] === CLOSE_BRACE;
}

/** @returns where the object that opens at `open` ends */
function readMembers(bytes: Buffer, open: number, members: Member[]): number {
  let at = skipWhiteSpace(bytes, open + 1);
  if (bytes[at] === CLOSE_BRACE) return at + 1;
  for (;;) {
    const start = startOfMemberValue(bytes, at);
    const end = endOfValue(bytes, start);
    if (end === NOT_JSON) return NOT_JSON;
    members.push({ name: stringAt(bytes, at, endOfString(bytes, at)), start, end });
    const separator = skipWhiteSpace(bytes, end);
    if (bytes[separator] === CLOSE_BRACE) return separator + 1;
    if (bytes[separator] !== COMMA) return NOT_JSON;
    at = skipWhiteSpace(bytes, separator + 1);
  }
}

function stringAt(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start + 1, end - 1);
  return text.includes('\\') ? String(JSON.parse(`"${text}"`)) : text;
}

/** @param at where the member's name should open */
function startOfMemberValue(bytes: Buffer, at: number): number {
  if (bytes[at] !== QUOTE) return NOT_JSON;
  const colon = skipWhiteSpace(bytes, endOfString(bytes, at));
  return bytes[colon] === COLON ? skipWhiteSpace(bytes, colon + 1) : NOT_JSON;
}

function endOfValue(bytes: Buffer, start: number): number {
  /** What will close the objects and arrays that are open, the innermost last: not a recursion, for text may be deep. */
  const closing: number[] = [];
  let at = start;
  do {
    const first = bytes[at];
    if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      closing.push(first + TO_CLOSING);
      at = skipWhiteSpace(bytes, at + 1);
      if (bytes[at] !== first + TO_CLOSING) {
        if (first === OPEN_BRACE) at = startOfMemberValue(bytes, at);
        continue;
      }
    } else {
      at = endOfScalar(bytes, at);
    }
    at = nextValue(bytes, at, closing);
  } while (closing.length > 0 && at !== NOT_JSON);
  return at;
}

/**
 * Closes what closes behind a value.
 *
 * @returns where the next value of what is still open begins; if nothing is, the end of all
 */
function nextValue(bytes: Buffer, end: number, closing: number[]): number {
  let at = end;
  while (closing.length > 0) {
    const close = closing[closing.length - 1];
    at = skipWhiteSpace(bytes, at);
    if (bytes[at] === COMMA) {
      at = skipWhiteSpace(bytes, at + 1);
      return close === CLOSE_BRACE ? startOfMemberValue(bytes, at) : at;
    }
    if (bytes[at] !== close) return NOT_JSON;
    closing.pop();
    at += 1;
  }
  return at;
}

function endOfScalar(bytes: Buffer, start: number): number {
  if (bytes[start] === QUOTE) return endOfString(bytes, start);
  for (const literal of LITERALS) if (literal[0] === bytes[start]) return endOfLiteral(bytes, start, literal);
  return endOfNumber(bytes, start);
}

function endOfLiteral(bytes: Buffer, start: number, literal: Buffer): number {
  for (let at = 1; at < literal.length; at += 1) if (bytes[start + at] !== literal[at]) return NOT_JSON;
  return start + literal.length;
}

/** The loop in it is where most of the time goes. */
function endOfString(bytes: Buffer, open: number): number {
  let at = open + 1;
  for (;;) {
    let char = bytes[at] ?? NOTHING;
    while (char !== QUOTE && char !== BACKSLASH && char >= SPACE) {
      at += 1;
      char = bytes[at] ?? NOTHING;
    }
    if (char === QUOTE) return at + 1;
    if (char !== BACKSLASH) return NOT_JSON;
    at = endOfEscape(bytes, at);
    if (at === NOT_JSON) return NOT_JSON;
  }
}

function endOfEscape(bytes: Buffer, backslash: number): number {
  const kind = bytes[backslash + 1] ?? NOTHING;
  if (kind !== SMALL_U) return ESCAPES.has(kind) ? backslash + 2 : NOT_JSON;
  const end = backslash + 6;
  for (let at = backslash + 2; at < end; at += 1) if (!isHexDigit(bytes[at] ?? NOTHING)) return NOT_JSON;
  return end;
}

function endOfNumber(bytes: Buffer, start: number): number {
  const whole = bytes[start] === MINUS ? start + 1 : start;
  let at = bytes[whole] === ZERO ? whole + 1 : endOfDigits(bytes, whole);
  if (bytes[at] === POINT) at = endOfDigits(bytes, at + 1);
  if (((bytes[at] ?? NOTHING) | SPACE) === SMALL_E) {
    const sign = bytes[at + 1];
    at = endOfDigits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
  }
  return at;
}

/** Of at least one digit. */
function endOfDigits(bytes: Buffer, start: number): number {
  let at = start;
  while (isDigit(bytes[at] ?? NOTHING)) at += 1;
  return at === start ? NOT_JSON : at;
}

function isDigit(char: number): boolean {
  return char >= ZERO && char <= NINE;
}

function isHexDigit(char: number): boolean {
  const small = char | SPACE;
  return isDigit(char) || (small >= SMALL_A && small <= SMALL_F);
}

/** The first index from `at` on that holds no white space. */
function skipWhiteSpace(bytes: Buffer, at: number): number {
  let index = at;
  while (isWhiteSpace(bytes[index] ?? NOTHING)) index += 1;
  return index;
}

function isWhiteSpace(char: number): boolean {
  return char <= SPACE && (char === SPACE || char === LINE_FEED || char === CARRIAGE_RETURN || char === TAB);
}
