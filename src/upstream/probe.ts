import type { UpstreamHost } from '../config.ts';
import type { Credentials } from '../credentials/credentials.ts';
import { type ErrorCode, ProxyError } from '../errors.ts';
import { Exchange } from './exchange.ts';
import type { Failure } from './failure.ts';
import type { Answer } from './message.ts';
import { ConnectionPool } from './pool.ts';
import { Trace } from './trace.ts';

/** What a host made of a harmless request. Any HTTP answer that is no refusal shows that our certificate is accepted. */
export type Probe =
  | {
      readonly ok: true;
      readonly status: number;
      readonly durationMs: number;
      /** How far this machine's clock is ahead of the host's, give or take a second; unknown without a `Date`. */
      readonly clockAheadMs: number | undefined;
    }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      /** The HTTP status, where the refusal was one. */
      readonly status?: number;
      readonly failure: Failure;
    };

/** The statuses of nginx for a client certificate that is wrong, and for one that is missing. */
const NGINX_REFUSALS = [495, 496];

/** With these a server may speak of our certificate, or of something else. */
const AMBIGUOUS_REFUSALS = [400, 401, 403];

/**
 * Sends `HEAD /` over a new connection, the way a payment goes. That the handshake has ended proves little: TLS
 * 1.3 servers refuse a certificate after it, and nginx with an HTTP 400, which is asked for its words by `GET /`.
 *
 * @param timeoutMs for each of the two requests
 */
export async function probe(host: UpstreamHost, credentials: Credentials, timeoutMs: number): Promise<Probe> {
  const startedAtMs = performance.now();
  try {
    const { status, rawHeaders } = await ask('HEAD', host, credentials, timeoutMs);
    const durationMs = performance.now() - startedAtMs;
    const clockAheadMs = clockAhead(rawHeaders, Date.now());
    const refuses =
      NGINX_REFUSALS.includes(status) ||
      (AMBIGUOUS_REFUSALS.includes(status) && (await speaksOfCertificate(host, credentials, timeoutMs)));
    return refuses
      ? { ok: false, code: 'client_certificate_rejected', status, failure: {} }
      : { ok: true, status, durationMs, clockAheadMs };
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    // An exchange rejects with the failure of a socket, or of its own making, as the cause.
    return { ok: false, code: error.code, failure: (error.cause ?? {}) as Failure };
  }
}

async function ask(
  method: string,
  upstream: UpstreamHost,
  credentials: Credentials,
  timeoutMs: number,
): Promise<Answer> {
  const pool = new ConnectionPool(credentials, {
    hosts: [upstream],
    connectTimeoutMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
    warmConnections: 0,
  });
  const message = { method, path: '/', headers: ['Host', upstream.authority], body: undefined };
  try {
    return await new Exchange(message, { pool, upstream, timeoutMs, trace: new Trace(), onEnded: () => {} }).answer;
  } finally {
    pool.close();
  }
}

/** That an answer has come is known by now; one to a second request that does not come says nothing. */
async function speaksOfCertificate(host: UpstreamHost, credentials: Credentials, timeoutMs: number): Promise<boolean> {
  const answer = await ask('GET', host, credentials, timeoutMs).catch(() => undefined);
  if (Buffer.isBuffer(answer?.body)) return /certificate/i.test(answer.body.toString('latin1'));
  answer?.body.destroy();
  return false;
}

/** `Date` is the origin's clock in whole seconds (RFC 9110 §6.6.1); with `Age` it is that of a while ago. */
function clockAhead(rawHeaders: readonly string[], nowMs: number): number | undefined {
  const header = (name: string) =>
    rawHeaders.find((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
  const dateMs = Date.parse(header('date') ?? '');
  return Number.isNaN(dateMs) || header('age') !== undefined ? undefined : nowMs - (dateMs + 500);
}
