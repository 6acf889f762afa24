/** Reads a caller's bytes as RFC 9112 has it, to the letter: what this does not read as a request must never be one. */
import { METHODS } from 'node:http';

export interface StrictRequest {
  readonly method: string;
  readonly target: string;
  /** Such as `1.1`; before HTTP/1.0 nobody said it. */
  readonly version: string;
  /** Values by name in lower case; several of one name in their order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
}

export interface StrictReading {
  readonly requests: readonly StrictRequest[];
  /**
   * What comes after them. `nothing`; `half` a request, which may still become one; `deviation`: bytes that are against
   * the rules; `closed`: whatever it is, the last request had the connection closed.
   */
  readonly rest: 'nothing' | 'half' | 'deviation' | 'closed';
}

/** A token, what a header's value begins and ends with, and a quoted string (RFC 9110 §5.6.2, §5.5, §5.6.4). */
const TOKEN = /[\w!#$%&'*+.^`|~-]+/.source;
const VISIBLE = /[!-~\x80-\xff]/.source;
const QUOTED = /"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"/.source;

/**
 * What a parser must take, and what it may be lax about since it says nothing of where a request ends: the version, the
 * spelling of the target, the spaces around it (RFC 9112 §3), tabs around a header's value, of which Node takes none with
 * a length, and the extensions of chunks, which mean nothing to us (§7.1.1).
 */
const GRAMMARS = {
  strict: {
    closeWins: true,
    headEndsEarly: false,
    framingTrailers: false,
    requestLine: /^([A-Z-]+) (\/[\w.~%!$&'()*+,;=:@/?-]*|\*|https?:\/\/[\w.:-]+(?:\/[\w.~%/?=&-]*)?) HTTP\/(1\.[01])$/,
    headerLine: new RegExp(`^(${TOKEN}): *((?:${VISIBLE}(?:[\\t -~\\x80-\\xff]*${VISIBLE})?)?) *$`),
    chunkLine: new RegExp(`^([\\dA-Fa-f]{1,8})(?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*$`),
  },
  lax: {
    /** Node keeps an HTTP/1.0 connection on which both were asked for. */
    closeWins: false,
    /** Node 20.19 takes a head for whole at its last carriage return, whatever follows, or at a bare line feed (CVE-2025-23167). */
    headEndsEarly: true,
    /** No sender may send them (RFC 9110 §6.5.1), and Node refuses some. */
    framingTrailers: true,
    requestLine: /^([A-Z-]+) +([\x21-\x7e]+)(?: +HTTP\/(\d\.\d))?$/,
    headerLine: new RegExp(`^(${TOKEN}):[ \\t]*([\\t -~\\x80-\\xff]*)$`),
    chunkLine: /^([\dA-Fa-f]{1,8})(?:;[\t -~\x80-\xff]*)?$/,
  },
};

type Grammar = (typeof GRAMMARS)['strict' | 'lax'];

/** What the listener takes of a request's head, and which methods: it is no tunnel. */
const MOST_HEAD_BYTES = 16_384;
const LEGAL_METHODS = METHODS.filter((method) => method !== 'CONNECT');

type Step<T> = { readonly value: T; readonly end: number } | 'half' | 'deviation';

/** @param strictness `strict` for what must be answered, `lax` for what may be sent on at most */
export function readRequests(bytes: Buffer, strictness: keyof typeof GRAMMARS): StrictReading {
  const grammar = GRAMMARS[strictness];
  const text = bytes.toString('latin1');
  const requests: StrictRequest[] = [];
  let at = 0;
  for (;;) {
    // Empty lines before a request are to be ignored (RFC 9112 §2.2).
    while (text[at] === '\r' || text[at] === '\n') at += 1;
    if (at === text.length) return { requests, rest: 'nothing' };
    const step = readRequest(text, at, grammar);
    if (typeof step === 'string') return { requests, rest: step };
    requests.push(step.value.request);
    at = step.end;
    if (!step.value.persists) return { requests, rest: 'closed' };
  }
}

function readRequest(
  text: string,
  start: number,
  grammar: Grammar,
): Step<{ request: StrictRequest; persists: boolean }> {
  const line = readLine(text, start);
  if (typeof line === 'string') return line;
  const [, method = '', target = '', version = '0.9'] = grammar.requestLine.exec(line.value) ?? [];
  if (!LEGAL_METHODS.includes(method)) return 'deviation';
  const head = readHeaders(text, line.end, grammar);
  if (typeof head === 'string') return head;
  if (head.end - start > MOST_HEAD_BYTES) return 'deviation';
  const headers = head.value;
  const framing = framingOf(headers, version);
  if (framing === undefined) return 'deviation';
  const body = framing === 'chunked' ? readChunks(text, head.end, grammar) : readExactly(text, head.end, framing);
  if (typeof body === 'string') return body;
  const options = (headers.get('connection') ?? []).flatMap((value) => value.toLowerCase().split(/[ \t]*,[ \t]*/));
  const persists =
    version === '1.1'
      ? !options.includes('close')
      : options.includes('keep-alive') && !(grammar.closeWins && options.includes('close'));
  return {
    value: { request: { method, target, version, headers, body: Buffer.from(body.value, 'latin1') }, persists },
    end: body.end,
  };
}

function readLine(text: string, start: number): Step<string> {
  const end = text.indexOf('\r\n', start);
  const line = text.slice(start, end === -1 ? undefined : end);
  if (/[\r\n]/.test(end === -1 ? line.replace(/\r$/, '') : line)) return 'deviation';
  return end === -1 ? 'half' : { value: line, end: end + 2 };
}

/** Header or trailer lines, and the empty line that ends them. */
function readHeaders(text: string, start: number, grammar: Grammar): Step<ReadonlyMap<string, readonly string[]>> {
  const headers = new Map<string, string[]>();
  for (let at = start; ; ) {
    if (grammar.headEndsEarly && /^(?:\r[^\n]|\n)/.test(text.slice(at, at + 2))) return { value: headers, end: at + 1 };
    const line = readLine(text, at);
    if (typeof line === 'string') return line;
    at = line.end;
    if (line.value === '') return { value: headers, end: at };
    const [, name, value = ''] = grammar.headerLine.exec(line.value) ?? [];
    if (name === undefined) return 'deviation';
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value.replace(/[ \t]+$/, '')]);
  }
}

/** The body's length in bytes, or that it comes in chunks; undefined where it says two things, or none that holds. */
function framingOf(headers: ReadonlyMap<string, readonly string[]>, version: string): number | 'chunked' | undefined {
  const codings = headers.get('transfer-encoding');
  const lengths = headers.get('content-length');
  if (codings !== undefined) {
    const isChunked = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked';
    return isChunked && lengths === undefined && version === '1.1' ? 'chunked' : undefined;
  }
  if (lengths === undefined) return 0;
  return lengths.length === 1 && /^\d{1,15}$/.test(lengths[0] ?? '') ? Number(lengths[0]) : undefined;
}

function readExactly(text: string, start: number, length: number): Step<string> {
  const end = start + length;
  return end > text.length ? 'half' : { value: text.slice(start, end), end };
}

function readChunks(text: string, start: number, grammar: Grammar): Step<string> {
  let body = '';
  for (let at = start; ; ) {
    const line = readLine(text, at);
    if (typeof line === 'string') return line;
    const [, size] = grammar.chunkLine.exec(line.value) ?? [];
    if (size === undefined) return 'deviation';
    if (Number.parseInt(size, 16) === 0) {
      const trailers = readHeaders(text, line.end, grammar);
      if (typeof trailers === 'string') return trailers;
      const frames = trailers.value.has('content-length') || trailers.value.has('transfer-encoding');
      return frames && !grammar.framingTrailers ? 'deviation' : { value: body, end: trailers.end };
    }
    const data = readExactly(text, line.end, Number.parseInt(size, 16));
    if (typeof data === 'string') return data;
    body += data.value;
    if (data.end + 2 > text.length) return 'half';
    if (!text.startsWith('\r\n', data.end)) return 'deviation';
    at = data.end + 2;
  }
}
