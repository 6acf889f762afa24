import type { CallPlan } from './plan.ts';
import type { ReadRequest } from './request-reader.ts';

const METHODS_WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

/**
 * In what a request that was read differs from the one that the caller described, or `undefined` if in nothing: request
 * line, headers (all of them, in any order) and the body's bytes.
 *
 * @param extent `so far` if the rest of the body is still to come
 */
export function differenceOf(plan: CallPlan, { head, body }: ReadRequest, extent?: 'so far'): string | undefined {
  const [requestLine, ...lines] = head.split('\r\n');
  if (requestLine !== `${plan.method} ${plan.path} HTTP/1.1`) return `the request line: ${requestLine?.slice(0, 120)}`;
  // Node 20 says what HTTP/1.1 means without it; Node 24 does not (RFC 9112 §9.3).
  const came = lines
    .filter((line) => line !== 'Connection: keep-alive')
    .sort()
    .join('\n');
  const meant = expectedLines(plan).sort().join('\n');
  if (came !== meant) return `the headers:\n${came}\ninstead of:\n${meant}`;
  const meantBody = plan.body ?? Buffer.alloc(0);
  const isSame = extent === 'so far' ? body.equals(meantBody.subarray(0, body.length)) : body.equals(meantBody);
  return isSame ? undefined : `the body: ${body.length} bytes instead of ${meantBody.length}, or other ones`;
}

/** The caller's headers and those that the service adds (design §1): nothing more. */
function expectedLines({ method, host, headers, body }: CallPlan): string[] {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  lines.push(`Host: ${host}`);
  if (body !== undefined) lines.push(`Content-Length: ${body.length}`);
  else if (METHODS_WITH_BODY.has(method)) lines.push('Content-Length: 0');
  const hasType = headers.some(([name]) => name.toLowerCase() === 'content-type');
  if (body !== undefined && !hasType) lines.push('Content-Type: application/json');
  return lines;
}
