/** Reads a caller's bytes as RFC 9112 has it, to the letter: what this does not read as a request must never be one. */
import { METHODS } from 'node:http';
import {
  type Headers,
  LAX,
  readChunks,
  readExactly,
  readHeaders,
  readLine,
  STRICT,
  type Step,
} from './strict-syntax.ts';

export interface StrictRequest {
  readonly method: string;
  readonly target: string;
  /** Such as `1.1`; before HTTP/1.0 nobody said it. */
  readonly version: string;
  readonly headers: Headers;
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

/**
 * What a parser must take, and what it may be lax about since it says nothing of where a request ends: the version, the
 * spelling of the target, the spaces around it (RFC 9112 §3), tabs around a header's value, of which Node takes none with
 * a length, and the extensions of chunks, which mean nothing to us (§7.1.1).
 */
const GRAMMARS = {
  strict: {
    ...STRICT,
    closeWins: true,
    requestLine: /^([A-Z-]+) (\/[\w.~%!$&'()*+,;=:@/?-]*|\*|https?:\/\/[\w.:-]+(?:\/[\w.~%/?=&-]*)?) HTTP\/(1\.[01])$/,
  },
  lax: {
    ...LAX,
    /** Node keeps an HTTP/1.0 connection on which both were asked for. */
    closeWins: false,
    requestLine: /^([A-Z-]+) +([\x21-\x7e]+)(?: +HTTP\/(\d\.\d))?$/,
  },
};

type Grammar = (typeof GRAMMARS)['strict' | 'lax'];

/** What the listener takes of a request's head, and which methods: it is no tunnel. */
const MOST_HEAD_BYTES = 16_384;
const LEGAL_METHODS = METHODS.filter((method) => method !== 'CONNECT');

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

/** The body's length in bytes, or that it comes in chunks; undefined where it says two things, or none that holds. */
function framingOf(headers: Headers, version: string): number | 'chunked' | undefined {
  const codings = headers.get('transfer-encoding');
  const lengths = headers.get('content-length');
  if (codings !== undefined) {
    const isChunked = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked';
    return isChunked && lengths === undefined && version === '1.1' ? 'chunked' : undefined;
  }
  if (lengths === undefined) return 0;
  return lengths.length === 1 && /^\d{1,15}$/.test(lengths[0] ?? '') ? Number(lengths[0]) : undefined;
}
