/** The parts that requests and answers have in common, read as RFC 9112 has them. */

/** A token, what a header's value begins and ends with, and a quoted string (RFC 9110 §5.6.2, §5.5, §5.6.4). */
const TOKEN = /[\w!#$%&'*+.^`|~-]+/.source;
const VISIBLE = /[!-~\x80-\xff]/.source;
const QUOTED = /"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"/.source;

/** What two parsers may see differently. */
export interface Syntax {
  /** Whether a head ends at its last carriage return, whatever follows, or at a bare line feed. */
  readonly headEndsEarly: boolean;
  /** Whether trailers may be headers that frame a message. */
  readonly framingTrailers: boolean;
  readonly headerLine: RegExp;
  readonly chunkLine: RegExp;
}

export const STRICT = {
  headEndsEarly: false,
  framingTrailers: false,
  headerLine: new RegExp(`^(${TOKEN}): *((?:${VISIBLE}(?:[\\t -~\\x80-\\xff]*${VISIBLE})?)?) *$`),
  chunkLine: new RegExp(`^([\\dA-Fa-f]{1,8})(?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*$`),
} satisfies Syntax;

export const LAX = {
  /** Node 20.19 does (CVE-2025-23167). */
  headEndsEarly: true,
  /** No sender may send them (RFC 9110 §6.5.1), and Node refuses some. */
  framingTrailers: true,
  headerLine: new RegExp(`^(${TOKEN}):[ \\t]*([\\t -~\\x80-\\xff]*)$`),
  chunkLine: /^([\dA-Fa-f]{1,8})(?:;[\t -~\x80-\xff]*)?$/,
} satisfies Syntax;

/** Values by name in lower case; several of one name in their order. */
export type Headers = ReadonlyMap<string, readonly string[]>;

export type Step<T> = { readonly value: T; readonly end: number } | 'half' | 'deviation';

export function readLine(text: string, start: number): Step<string> {
  const end = text.indexOf('\r\n', start);
  const line = text.slice(start, end === -1 ? undefined : end);
  if (/[\r\n]/.test(end === -1 ? line.replace(/\r$/, '') : line)) return 'deviation';
  return end === -1 ? 'half' : { value: line, end: end + 2 };
}

/** Header or trailer lines, and the empty line that ends them. */
export function readHeaders(text: string, start: number, syntax: Syntax): Step<Headers> {
  const headers = new Map<string, string[]>();
  for (let at = start; ; ) {
    if (syntax.headEndsEarly && /^(?:\r[^\n]|\n)/.test(text.slice(at, at + 2))) return { value: headers, end: at + 1 };
    const line = readLine(text, at);
    if (typeof line === 'string') return line;
    at = line.end;
    if (line.value === '') return { value: headers, end: at };
    const [, name, value = ''] = syntax.headerLine.exec(line.value) ?? [];
    if (name === undefined) return 'deviation';
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value.replace(/[ \t]+$/, '')]);
  }
}

export function readExactly(text: string, start: number, length: number): Step<string> {
  const end = start + length;
  return end > text.length ? 'half' : { value: text.slice(start, end), end };
}

export function readChunks(text: string, start: number, syntax: Syntax): Step<string> {
  let body = '';
  for (let at = start; ; ) {
    const line = readLine(text, at);
    if (typeof line === 'string') return line;
    const [, size] = syntax.chunkLine.exec(line.value) ?? [];
    if (size === undefined) return 'deviation';
    if (Number.parseInt(size, 16) === 0) {
      const trailers = readHeaders(text, line.end, syntax);
      if (typeof trailers === 'string') return trailers;
      const frames = trailers.value.has('content-length') || trailers.value.has('transfer-encoding');
      return frames && !syntax.framingTrailers ? 'deviation' : { value: body, end: trailers.end };
    }
    const data = readExactly(text, line.end, Number.parseInt(size, 16));
    if (typeof data === 'string') return data;
    body += data.value;
    if (data.end + 2 > text.length) return 'half';
    if (!text.startsWith('\r\n', data.end)) return 'deviation';
    at = data.end + 2;
  }
}
