/** Reads what the service's listener says, strictly, and holds it against the contract (design §1). */
import assert from 'node:assert/strict';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';

export interface Answer {
  readonly status: number;
  /** Values by name in lower case; a name that stands twice is refused by the reader. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const OPEN_BRACE = 0x7b;

/** What an answer comes to: a row of the error table, an answer of the payment API, or one of our own small ones. */
export type Reading =
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly requestId: string }
  | { readonly kind: 'forwarded'; readonly seen: number; readonly requestId: string }
  | { readonly kind: 'health' | 'preflight' };

export type IsHead = (index: number) => boolean | undefined;

/**
 * Reads the final answers that have come whole.
 *
 * @param isHead whether the answer with this index is to a HEAD request, and has a length but no body; undefined if
 *   nobody knows, since the request was none that a strict reader understands
 * @returns the answers, and the bytes after the last of them
 * @throws AssertionError at bytes that begin no proper answer
 */
export function readAnswers(bytes: Buffer, isHead: IsHead): { answers: Answer[]; rest: Buffer } {
  const answers: Answer[] = [];
  let rest = bytes;
  for (let headEnd = rest.indexOf('\r\n\r\n'); headEnd !== -1; headEnd = rest.indexOf('\r\n\r\n')) {
    const { status, headers } = readHead(rest.toString('latin1', 0, headEnd));
    // Every body of ours is JSON, so that a body which is not there cannot be taken for one.
    const isBodiless = status < 200 || status === 204 || (isHead(answers.length) ?? rest[headEnd + 4] !== OPEN_BRACE);
    const length = isBodiless ? 0 : Number(headers.get('content-length'));
    assert(Number.isInteger(length), 'an answer has no proper Content-Length');
    const end = headEnd + 4 + length;
    if (end > rest.length) break;
    if (status >= 200) answers.push({ status, headers, body: rest.toString('utf8', headEnd + 4, end) });
    rest = rest.subarray(end);
  }
  assert('HTTP/1.1'.startsWith(rest.toString('latin1', 0, 8)), 'what follows an answer is none');
  return { answers, rest };
}

function readHead(head: string): Pick<Answer, 'status' | 'headers'> {
  const [statusLine = '', ...lines] = head.split('\r\n');
  const status = Number(/^HTTP\/1\.1 ([1-5]\d\d) [\w -]*$/.exec(statusLine)?.[1]);
  assert(status >= 100, `a bad status line: ${JSON.stringify(statusLine)}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([\w-]+): ([\t -~\x80-\xff]*)$/.exec(line) ?? [];
    assert(name !== undefined && value !== undefined, `a bad header line: ${JSON.stringify(line)}`);
    assert(!headers.has(name.toLowerCase()), `a header stands twice: ${name}`);
    headers.set(name.toLowerCase(), value);
  }
  return { status, headers };
}

/** @throws AssertionError if the contract has no such answer */
export function readingOf({ status, headers, body }: Answer): Reading {
  const requestId = headers.get('x-request-id') ?? '';
  assert.match(requestId, /^[A-Za-z0-9._-]{1,128}$/, 'an answer needs an X-Request-Id');
  const outcome = headers.get('proxy-outcome');
  if (outcome === undefined) {
    if (status === 204 && headers.has('access-control-allow-origin')) return { kind: 'preflight' };
    assert.equal(status, 200, 'only health checks and preflights have no Proxy-Outcome');
    if (body !== '') assert.equal(JSON.parse(body).status, 'ok');
    return { kind: 'health' };
  }
  const seen = headers.get('x-seen');
  if (seen !== undefined) {
    assert.deepEqual([status, outcome, body], [200, 'answered', '']);
    return { kind: 'forwarded', seen: Number(seen), requestId };
  }
  // A HEAD request that is refused hears the status and our headers only.
  const code = body === '' ? codeOfStatus(status) : codeIn(body, requestId, outcome);
  assert.equal(ERRORS[code].status, status);
  // Behind the service all is well, so that nothing but the request can be at fault.
  assert.match(ERRORS[code].proxyStatus, /^http_request_/, `a fault of the service: ${code}`);
  assert.equal(outcome, 'not_processed', `a refusal must be not_processed: ${code}`);
  assert.match(headers.get('proxy-status') ?? '', new RegExp(`^toss-mtls-proxy;.* error=${ERRORS[code].proxyStatus}$`));
  return { kind: 'error', code, requestId };
}

function codeOfStatus(status: number): ErrorCode {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const code = codes.find((one) => ERRORS[one].status === status);
  assert(code !== undefined, `no row of the table has the status ${status}`);
  return code;
}

function codeIn(body: string, requestId: string, outcome: string): ErrorCode {
  const said = JSON.parse(body);
  assert.deepEqual(Object.keys(said), ['error', 'code', 'outcome', 'message', 'requestId']);
  assert(Object.hasOwn(ERRORS, said.code), `no row of the table: ${said.code}`);
  assert.deepEqual([said.requestId, said.outcome], [requestId, outcome]);
  return said.code;
}
