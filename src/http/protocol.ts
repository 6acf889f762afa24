import type { IncomingMessage } from 'node:http';
import { ProxyError } from '../errors.ts';
import type { Handler } from './call.ts';

/** Node drops the headers that are too many, silently, an `Origin` for example; so as many as that are refused. */
export const MAX_HEADERS = 200;

/**
 * Refuses what Node's parser lets through although another server could read it differently, and what Node would
 * answer by itself, with an answer that is not from our table. Where a reading is in doubt, so is where the request ends:
 * the connection ends with the answer.
 */
export const refuseImproper: Handler = (request, response, next) => {
  const error = improperOf(request);
  if (error !== undefined) {
    response.shouldKeepAlive = false;
    throw error;
  }
  const { expect } = request.headers;
  if (expect !== undefined && !isContinue(expect)) throw new ProxyError('expectation_failed');
  next();
};

function improperOf(request: IncomingMessage): ProxyError | undefined {
  if (request.rawHeaders.length >= 2 * MAX_HEADERS) {
    return new ProxyError('headers_too_large', { message: `A request may have fewer than ${MAX_HEADERS} headers.` });
  }
  const problem = problemOf(request);
  return problem === undefined ? undefined : new ProxyError('invalid_request', { message: problem });
}

/** Whether the caller waits with its body until it is told to go on (RFC 9110 §10.1.1); HTTP/1.0 cannot ask for that. */
export function awaitsContinue({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === '1.1' && headers.expect !== undefined && isContinue(headers.expect);
}

function isContinue(expect: string): boolean {
  return expect.toLowerCase() === '100-continue';
}

function problemOf({ httpVersion, headers, rawHeaders }: IncomingMessage): string | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'This service speaks HTTP/1.1.';
  // Node 20.19 takes either.
  if (rawHeaders.some((name, at) => at % 2 === 0 && (name === '' || name.includes(' ')))) {
    return 'A header needs a name, without spaces (RFC 9112 §5).';
  }
  const hosts = countHosts(rawHeaders);
  if (hosts > 1) return 'A request has one Host header, not several (RFC 9112 §3.2).';
  if (hosts === 0 && httpVersion === '1.1') return 'An HTTP/1.1 request needs a Host header (RFC 9112 §3.2).';
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  if (httpVersion === '1.0') return 'HTTP/1.0 has no Transfer-Encoding (RFC 9112 §6.1).';
  if (coding.toLowerCase() !== 'chunked') return 'The only Transfer-Encoding that is understood here is "chunked".';
  return undefined;
}

/** From the raw headers, since Node keeps only the first of several. */
function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
}

/** A target as a path: absolute-form is accepted, as it must be (RFC 9112 §3.2.2); one without a path has no route here. */
export function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const absolute = /^https?:\/\/[^/?#]+(\/.*)?$/i.exec(target);
  return absolute === null ? '/*' : (absolute[1] ?? '/');
}
