import type { IncomingMessage } from 'node:http';
import { ERRORS, ProxyError } from '../errors.ts';
import { ourHeaders, serverTiming, writeHead } from './answer.ts';
import type { Call, ErrorHandler, Handler, Reply } from './call.ts';

/** How long the rest of a refused request is read, and how long it may pause, before the connection ends. */
const LINGER_MS = 5_000;
const LINGER_SILENCE_MS = 1_000;

/** The answer's body for an error. */
export function errorBody(error: ProxyError, requestId: string): string {
  const { title, code, outcome, message } = error;
  return JSON.stringify({ error: title, code, outcome, message, requestId });
}

/** Nothing else matched. */
export const notFound: Handler = () => {
  throw new ProxyError('not_found');
};

/** Lets these methods pass on a known path; a CORS preflight passes too. */
export function allowMethods(...methods: readonly string[]): Handler {
  return (request, response, next) => {
    const isPreflight = request.method === 'OPTIONS' && request.headers.origin !== undefined;
    if (methods.includes(request.method) || isPreflight) {
      next();
      return;
    }
    response.setHeader('Allow', methods.join(', '));
    throw new ProxyError('method_not_allowed');
  };
}

/** Answers with a row of the error table, whatever was thrown; nothing of Express's own pages is ever shown. */
export function answerErrors(onInternalError: (error: unknown, requestId: string) => void): ErrorHandler {
  return (thrown: unknown, request, response, _next) => {
    const { requestId, call } = response.locals;
    // The answer has been given: the parser refused the rest of this request, and its reader learned of that, too.
    if (call?.error !== undefined) return;
    const error = asProxyError(thrown, call);
    if (error.code === 'internal_error') onInternalError(thrown, requestId);
    sendError(request, response, error);
  };
}

function asProxyError(thrown: unknown, call: Call | undefined): ProxyError {
  if (thrown instanceof ProxyError) return thrown;
  // Even if the payment API has answered: that answer is not what the caller gets.
  const outcome = call?.trace?.handedOver ? 'unknown' : 'not_processed';
  return new ProxyError('internal_error', { outcome, cause: thrown });
}

/** Answers a request with an error, or cuts the answer that is already on its way: half of it must not look whole. */
export function sendError(request: IncomingMessage, response: Reply, error: ProxyError): void {
  const { requestId, call } = response.locals;
  if (call !== undefined) call.error = error;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = Buffer.from(errorBody(error, requestId));
  const headers = errorHeaders(error, requestId, body.length, call);
  if (call !== undefined) call.status = error.status;
  if (!hasUnreadBody(request)) {
    writeHead(response, error.status, headers);
    response.end(body);
    return;
  }
  response.shouldKeepAlive = false;
  writeHead(response, error.status, headers);
  response.write(body);
  lingerThenEnd(request, response);
}

/** Whether there is, or may still come, a body that nobody has read. */
function hasUnreadBody({ complete, headers }: IncomingMessage): boolean {
  return !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0);
}

/** The headers of an error's answer, as a flat array. */
export function errorHeaders(error: ProxyError, requestId: string, bodyBytes: number, call?: Call): string[] {
  const { trace } = call ?? {};
  const headers = ourHeaders({
    requestId,
    outcome: error.outcome,
    receivedStatus: trace?.status,
    errorType: ERRORS[error.code].proxyStatus,
    timing: trace && call && serverTiming(trace.phasesMs, performance.now() - call.startedAtMs),
  });
  headers.push('Content-Type', 'application/json; charset=utf-8', 'Content-Length', String(bodyBytes));
  headers.push('Cache-Control', 'no-store');
  if (error.code === 'unauthorized') headers.push('WWW-Authenticate', 'Bearer');
  if (error.code === 'overloaded') headers.push('Retry-After', '1');
  return headers;
}

/**
 * Ends an answer that was given before the request had been read. Closing at once would reset the connection, and the
 * reset would overtake the answer (RFC 9112 §9.6); so the rest is read and thrown away, as long as it comes and not for ever.
 */
function lingerThenEnd(request: IncomingMessage, response: Reply): void {
  const end = () => {
    clearTimeout(silence);
    clearTimeout(deadline);
    response.end();
  };
  const silence = setTimeout(end, LINGER_SILENCE_MS);
  const deadline = setTimeout(end, LINGER_MS);
  request.on('data', () => silence.refresh()).once('close', end);
  if (request.socket.readableEnded) end();
  else request.socket.once('end', end);
}
