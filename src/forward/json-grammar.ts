/**
 * The grammar of JSON (RFC 8259 §2 to §7): where a value ends that begins here. No value is built, and nothing is
 * recursive. Whatever is not JSON has its end at {@link NOT_JSON}.
 *
 * It reads bytes, which are as good as characters: in UTF-8 no byte of a character beyond ASCII looks like one of ASCII.
 */

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
export const QUOTE = 0x22;
const PLUS = 0x2b;
export const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
export const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const SMALL_A = 0x61;
const SMALL_E = 0x65;
const SMALL_F = 0x66;
export const SMALL_N = 0x6e;
const SMALL_U = 0x75;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

/** A closing bracket stands so far behind its opening one in ASCII, a brace too. */
const TO_CLOSING = 2;

const LITERALS = ['true', 'false', 'null'].map((literal) => Buffer.from(literal));
/** What may stand behind a backslash, besides `u`. */
const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));

/** Instead of an index: what stands there is not JSON. It may be passed on as an index; nothing stands there. */
export const NOT_JSON = -1;

/** What is read beyond the last byte: a control character, which is nowhere allowed. */
const NOTHING = 0;

/**
 * Where a value of any kind ends.
 *
 * @param start where it begins, or {@link NOT_JSON}
 * @returns the index behind its last byte, or {@link NOT_JSON}
 */
export function endOfValue(bytes: Buffer, start: number): number {
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
 * Where the value of a member begins.
 *
 * @param at where the member's name should open
 * @returns an index, or {@link NOT_JSON}
 */
export function startOfMemberValue(bytes: Buffer, at: number): number {
  if (bytes[at] !== QUOTE) return NOT_JSON;
  const colon = skipWhiteSpace(bytes, endOfString(bytes, at));
  return bytes[colon] === COLON ? skipWhiteSpace(bytes, colon + 1) : NOT_JSON;
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

/** As {@link endOfValue}, of a string. The loop in it is where most of the time goes. */
export function endOfString(bytes: Buffer, open: number): number {
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
export function skipWhiteSpace(bytes: Buffer, at: number): number {
  let index = at;
  while (isWhiteSpace(bytes[index] ?? NOTHING)) index += 1;
  return index;
}

function isWhiteSpace(char: number): boolean {
  return char <= SPACE && (char === SPACE || char === LINE_FEED || char === CARRIAGE_RETURN || char === TAB);
}
