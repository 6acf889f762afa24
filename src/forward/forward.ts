import type { Config } from '../config.ts';
import { ProxyError } from '../errors.ts';
import { ourHeaders, serverTiming, writeHead } from '../http/answer.ts';
import type { Call, Handler, Reply } from '../http/call.ts';
import { readBody } from '../http/read-body.ts';
import { Exchange } from '../upstream/exchange.ts';
import type { Answer } from '../upstream/message.ts';
import type { ConnectionPool } from '../upstream/pool.ts';
import { Trace } from '../upstream/trace.ts';
import { type Envelope, type Method, parseEnvelope } from './envelope.ts';
import { isWritable, requestHeaders, responseHeaders } from './headers.ts';
import { withoutQuery } from './path.ts';
import { resolveTarget, type Target } from './target.ts';

type Limits = Pick<Config, 'upstreamHosts' | 'allowedPaths' | 'maxRequestBytes' | 'upstreamTimeoutMs'>;

/** `POST /proxy`: one call, from the caller's envelope to the payment API's answer. */
export function forward(pool: ConnectionPool, limits: Limits): Handler {
  const send = (envelope: Envelope, target: Target, call: Call, trace: Trace, response: Reply): Promise<Answer> => {
    const { method, path, body } = envelope;
    const timeoutMs = Math.min(envelope.timeoutMs ?? limits.upstreamTimeoutMs, limits.upstreamTimeoutMs);
    const onEnded = () => {
      // Only a cut connection tells a caller that has read half an answer that there is no other half.
      if (trace.failure !== undefined && response.headersSent) response.destroy();
      call.settle();
    };
    const exchange = new Exchange(
      { method, path, headers: requestHeaders(envelope, target), body },
      { pool, upstream: target.host, timeoutMs, trace, onEnded },
    );
    call.alsoAwait(exchange);
    return exchange.answer;
  };

  return async (request, response) => {
    const call = callOf(response);
    const envelope = parseEnvelope(await readBody(request, response, limits.maxRequestBytes));
    call.method = envelope.method;
    call.path = withoutQuery(envelope.path);
    const target = resolveTarget(envelope, limits.upstreamHosts, limits.allowedPaths);
    call.host = target.host.label;
    const trace = new Trace();
    call.trace = trace;
    const answer = await send(envelope, target, call, trace, response);
    deliver(answer, envelope.method, call, trace, response);
  };
}

/** Writes the answer: in one write if it is whole, else as a stream that takes no more than the caller does. */
function deliver(answer: Answer, method: Method, call: Call, trace: Trace, response: Reply): void {
  const { status, rawHeaders, body } = answer;
  if (response.destroyed) return;
  if (!isWritable(status, rawHeaders)) {
    if (!Buffer.isBuffer(body)) body.destroy();
    throw new ProxyError('upstream_protocol_error', { outcome: 'unknown' });
  }
  const isWhole = Buffer.isBuffer(body);
  const outcome = isWhole ? trace.outcome : trace.outcomeIfCompleted;
  const timing = serverTiming(trace.phasesMs, isWhole ? performance.now() - call.startedAtMs : undefined);
  const headers = responseHeaders(rawHeaders, { method, status });
  if (isWhole && status !== 204 && status !== 304 && !hasLength(headers)) {
    headers.push('Content-Length', String(body.length));
  }
  headers.push(...ourHeaders({ requestId: call.requestId, outcome, receivedStatus: status, timing }));
  writeHead(response, status, headers);
  if (isWhole) {
    setImmediate(finish, call, response, status, body);
  } else {
    call.status = status;
    body.pipe(response);
  }
}

/**
 * Ends an answer when this turn of the event loop has read all that had come, so that answers leave one right after the
 * other. A write wakes its reader, which is much of its price, unless the one before has just done so. Together with
 * requests, which leave so, too, that spares an eighth of the CPU time of a call (64 callers, Node 24).
 */
function finish(call: Call, response: Reply, status: number, body: Buffer): void {
  // The caller's connection may have ended meanwhile; the response itself hears of that only after this turn.
  if (response.destroyed || response.req.socket.destroyed) return;
  call.status = status;
  response.end(body);
}

function callOf(response: Reply): Call {
  const { call } = response.locals;
  if (call === undefined) throw new TypeError('The route must open a call before it forwards one');
  return call;
}

function hasLength(headers: readonly string[]): boolean {
  return headers.some((name, at) => at % 2 === 0 && name.length === 14 && name.toLowerCase() === 'content-length');
}
