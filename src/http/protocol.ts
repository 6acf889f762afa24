import { randomUUID } from 'node:crypto';
import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ERRORS, type ErrorCode, ProxyError } from '../errors.ts';
import type { Handler, Reply } from './call.ts';
import { errorBody, errorHeaders, sendError } from './errors.ts';

/** How long a refused connection may take to read its answer. */
const LINGER_MS = 1_000;

/** Refuses what Node would answer by itself, with an answer that is not from our table. */
export const refuseImproper: Handler = (request, _response, next) => {
  const { host, expect } = request.headers;
  if (host === undefined && request.httpVersion === '1.1') {
    throw new ProxyError('invalid_request', { message: 'An HTTP/1.1 request needs a Host header (RFC 9112 §3.2).' });
  }
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') throw new ProxyError('expectation_failed');
  next();
};

/**
 * Answers, from our table, requests that Node's HTTP parser refuses before a handler could.
 *
 * @param onRefused told of each, with the code of the answer
 */
export function answerParserErrors(server: Server, onRefused: (code: ErrorCode, requestId: string) => void): void {
  const refuse = (socket: Duplex, code: ErrorCode) => {
    const current = responseOn(socket);
    const error = new ProxyError(code);
    if (current === undefined) {
      const requestId = randomUUID();
      onRefused(code, requestId);
      writeRaw(socket, error, requestId);
    } else if (current.req.complete) {
      // The answer to this call is still to come: what came after it must not be answered in its place.
      current.once('finish', () => socket.destroy());
    } else {
      sendError(current.req, current, error);
    }
  };
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (socket.writable && error.code !== 'ECONNRESET') refuse(socket, codeOf(error));
    else socket.destroy();
  });
  server.on('connect', (_request, socket) => refuse(socket, 'invalid_request'));
}

/** The response that this connection is working on. Its being the first in line is all that keeps answers in order. */
function responseOn(socket: Duplex): Reply | undefined {
  // Node's server keeps it in this field, and has no public name for it.
  const { _httpMessage: response } = socket as { _httpMessage?: ServerResponse | null };
  // Every response of our server is made by Express, which gives it `locals`.
  return response === null || response === undefined ? undefined : (response as Reply);
}

function codeOf(error: NodeJS.ErrnoException): ErrorCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout';
  return 'invalid_request';
}

function writeRaw(socket: Duplex, error: ProxyError, requestId: string): void {
  const body = errorBody(error, requestId);
  const headers = errorHeaders(error, requestId, Buffer.byteLength(body));
  let head = `HTTP/1.1 ${error.status} ${ERRORS[error.code].error}\r\nConnection: close\r\n`;
  for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`;
  socket.on('error', () => socket.destroy());
  socket.end(`${head}\r\n${body}`);
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
