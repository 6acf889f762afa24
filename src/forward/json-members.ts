/**
 * Where the members of a JSON object stand in their text. `JSON.parse` alone cannot tell: it rounds digits, reorders keys
 * that look like numbers, and keeps only the last of two members with the same name.
 *
 * The text must be one that `JSON.parse` has accepted (RFC 8259), so nothing is checked a second time here.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** One member of an object: `text.slice(start, end)` is its value exactly as it is written. */
export interface Member {
  /** The name with its escapes decoded, so that two spellings of one name are equal. */
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The members of one object, in the order in which they are written, those with the same name included.
 *
 * Takes time in proportion to the text and no recursion, whatever the text holds.
 *
 * @param text JSON that `JSON.parse` has accepted
 * @param open where in the text the object's `{` stands
 */
export function* membersOf(text: string, open: number): Generator<Member, void, undefined> {
  let at = skipWhiteSpace(text, open + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(text, at);
    const colon = skipWhiteSpace(text, keyEnd);
    const start = skipWhiteSpace(text, colon + 1);
    const end = endOfValue(text, start);
    yield { key: decodeString(text.slice(at, keyEnd)), start, end };
    const separator = skipWhiteSpace(text, end);
    if (text.charCodeAt(separator) !== COMMA) return;
    at = skipWhiteSpace(text, separator + 1);
  }
}

/** Whether the object whose `{` stands at `open` has no members. */
export function isEmptyObject(text: string, open: number): boolean {
  return text.charCodeAt(skipWhiteSpace(text, open + 1)) === CLOSE_BRACE;
}

/** The first index from `at` on that holds no white space; outside strings JSON has nothing else up to U+0020. */
export function skipWhiteSpace(text: string, at: number): number {
  let index = at;
  while (text.charCodeAt(index) <= 0x20) index++;
  return index;
}

function decodeString(quoted: string): string {
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}

function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return endOfString(text, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfContainer(text, start);
  return endOfScalar(text, start);
}

/** A quote ends its string if an even number of backslashes stands before it; `indexOf` finds quotes twice as fast as a loop. */
function endOfString(text: string, open: number): number {
  for (let quote = text.indexOf('"', open + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let escapes = quote;
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--;
    if ((quote - escapes) % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** Brackets and braces need no telling apart: in accepted text they match. */
function endOfContainer(text: string, open: number): number {
  let depth = 0;
  let at = open;
  while (at < text.length) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    at++;
    if (char === OPEN_BRACE || char === OPEN_BRACKET) depth++;
    else if ((char === CLOSE_BRACE || char === CLOSE_BRACKET) && --depth === 0) return at;
  }
  return at;
}

function endOfScalar(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const char = text.charCodeAt(at);
    if (char === COMMA || char === CLOSE_BRACE || char === CLOSE_BRACKET || char <= 0x20) return at;
    at++;
  }
  return at;
}
