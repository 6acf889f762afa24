/**
 * Which headers pass, each way. Both directions take and give what `node:http` reads and writes without loss: a flat
 * array of name, value, name, value…, in the order of the wire.
 */

import type { Envelope, Method } from './envelope.ts';
import { isHeaderName, isHeaderValue } from './header-syntax.ts';
import type { Target } from './target.ts';

/** Framing, which is ours, and what is meant for one connection only (RFC 9110 §7.6.1). `proxy-*` goes as well. */
const NOT_FROM_CALLER = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'expect',
]);

/** The same the other way, policies that hold for the payment API's own name only, and what this service itself says. */
const NOT_FROM_UPSTREAM = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'transfer-encoding',
  'upgrade',
  'trailer',
  'strict-transport-security',
  'alt-svc',
  'x-request-id',
  'proxy-outcome',
  'proxy-status',
  'server-timing',
]);

/** Methods whose request says `Content-Length: 0` when it has no body (RFC 9110 §8.6). */
const EXPECTS_BODY: ReadonlySet<Method> = new Set(['POST', 'PUT', 'PATCH']);

/** `identity` stands for no coding at all; old servers still send it. */
const DECODED_BY_NODE = /^(?:chunked|identity)$/i;

/**
 * The headers of the request to the payment API: our `Host` and `Content-Length`, and the caller's end-to-end headers
 * as they are spelled. `Content-Type: application/json` is there by default when there is a body.
 *
 * @returns a flat array for `https.request`, with nothing in it that could reframe the request
 */
export function requestHeaders(envelope: Envelope, target: Target): string[] {
  const { method, headers, body } = envelope;
  const raw = ['Host', target.host.authority];
  const named = namedBy(headers.find(([name]) => isNamed(name, 'connection'))?.[1] ?? '');
  let hasContentType = false;
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    const key = withDashes(lower);
    if (NOT_FROM_CALLER.has(key) || key.startsWith('proxy-') || named.has(key)) continue;
    if (lower === 'content-type') hasContentType = true;
    raw.push(name, value);
  }
  if (body !== undefined) {
    if (!hasContentType) raw.push('Content-Type', 'application/json');
    raw.push('Content-Length', String(body.length));
  } else if (EXPECTS_BODY.has(method)) {
    raw.push('Content-Length', '0');
  }
  return raw;
}

/**
 * The payment API's headers that pass to the caller, untouched and in their order. `Content-Length` stays behind where
 * it does not tell the length of what we send: with HEAD, since the POST that carries the answer has no body, and
 * with 204 (RFC 9110 §8.6).
 *
 * @param rawHeaders `IncomingMessage.rawHeaders` of an answer that {@link isWritable}
 * @returns a flat array for `writeHead`
 */
export function responseHeaders(rawHeaders: readonly string[], answer: { method: Method; status: number }): string[] {
  const isBodiless = answer.method === 'HEAD' || answer.status === 204;
  const passed: string[] = [];
  let connection = '';
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const value = rawHeaders[at + 1] ?? '';
    const key = name.toLowerCase();
    if (key === 'connection') connection = connection === '' ? value : `${connection},${value}`;
    if (NOT_FROM_UPSTREAM.has(key) || key.startsWith('access-control-')) continue;
    if (isBodiless && key === 'content-length') continue;
    passed.push(name, value);
  }
  const named = namedBy(connection);
  return named.size === 0 ? passed : without(passed, named);
}

/**
 * Whether an answer can be sent on. Node's parser takes more than its writer gives: statuses below 100 and, on Node 20,
 * names that are empty or hold a space, for which `writeHead` throws; 1xx answers that are not final; and transfer codings
 * that it does not decode, so that the body would pass still coded with nothing to say so (RFC 9112 §6.1).
 *
 * @param rawHeaders `IncomingMessage.rawHeaders`
 */
export function isWritable(status: number, rawHeaders: readonly string[]): boolean {
  if (status < 200 || status > 999) return false;
  let isChunked = false;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const value = rawHeaders[at + 1] ?? '';
    if (!isHeaderName(name) || !isHeaderValue(value)) return false;
    if (!isNamed(name, 'transfer-encoding')) continue;
    if (!DECODED_BY_NODE.test(value)) return false;
    // Node decodes chunks only where nothing else stands behind that coding, as nothing may (RFC 9112 §6.1). Some servers
    // say it twice and mean it once.
    const wasChunked = isChunked;
    isChunked = value.toLowerCase() === 'chunked';
    if (wasChunked && !isChunked) return false;
  }
  return true;
}

/** One option of a `Connection` header; white space is what RFC 9110 §5.6.3 calls so, which `trim` goes beyond. */
const CONNECTION_OPTION = /(?:^|,)[\t ]*([^\t ,]+)[\t ]*(?=,|$)/g;

const NOTHING: ReadonlySet<string> = new Set();

/** The headers that a `Connection` header declares to be for this connection only, in the form of {@link withDashes}. */
function namedBy(connection: string): ReadonlySet<string> {
  const options = connection.toLowerCase();
  if (options === '' || options === 'keep-alive' || options === 'close') return NOTHING;
  return new Set(Array.from(options.matchAll(CONNECTION_OPTION), ([, option = '']) => withDashes(option)));
}

function without(raw: readonly string[], named: ReadonlySet<string>): string[] {
  return raw.filter((_, at) => !named.has(withDashes((raw[at - (at % 2)] ?? '').toLowerCase())));
}

/** `Content_Length` is the same as `Content-Length` to servers that hand headers on as CGI variables. */
function withDashes(name: string): string {
  return name.includes('_') ? name.replaceAll('_', '-') : name;
}

/** Compares lengths first, so that hardly any name is turned to lower case for it. */
function isNamed(name: string, lower: string): boolean {
  return name.length === lower.length && name.toLowerCase() === lower;
}
