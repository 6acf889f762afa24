import { randomUUID } from 'node:crypto';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ERRORS, type ErrorCode, ProxyError } from '../errors.ts';
import type { Reply } from './call.ts';
import { errorBody, errorHeaders, sendError } from './errors.ts';
import { originForm } from './protocol.ts';

/** Told of each request that no handler has seen, with the code of its answer and the address of who sent it. */
export type OnRefused = (code: ErrorCode, requestId: string, peer: string | undefined) => void;

/** What is to be known of a caller's connection. */
interface Known {
  /** Answers go out in the order of their requests, so the newest one is the last that the connection is waiting for. */
  newest: ServerResponse | undefined;
  /** What has been refused here is over, although the parser goes on with every byte that follows. */
  isRefused: boolean;
}

/** How long a connection that we have ended may still send, so that its caller can read the answer (RFC 9112 §9.6). */
const LINGER_MS = 1_000;

/**
 * Answers, from our table, what Node's HTTP parser refuses before a handler could, and never in the place of a call
 * whose answer is still to come.
 *
 * @param app handles everything else
 * @returns the handler for the server's requests, which also remembers the newest of each connection
 */
export function answerParserErrors(server: Server, app: RequestListener, onRefused: OnRefused): RequestListener {
  const known = new WeakMap<Duplex, Known>();
  const knownOf = (socket: Duplex): Known => {
    const found = known.get(socket);
    if (found !== undefined) return found;
    const fresh: Known = { newest: undefined, isRefused: false };
    known.set(socket, fresh);
    return fresh;
  };

  const refuse = (socket: Duplex, code: ErrorCode) => {
    const connection = knownOf(socket);
    if (connection.isRefused) return;
    connection.isRefused = true;
    const response = connection.newest;
    const error = new ProxyError(code);
    if (response?.writableFinished && !(response.shouldKeepAlive && response.req.complete)) {
      // The last answer of this connection has been given: it said so, or what cannot be read is the rest of its request.
      endGently(socket);
    } else if (response === undefined || response.writableFinished) {
      const requestId = randomUUID();
      onRefused(code, requestId, socket instanceof Socket ? socket.remoteAddress : undefined);
      endGently(socket, rawAnswer(error, requestId));
    } else if (response.req.complete || response.headersSent) {
      // The answers to this call and those before it come first, and after them there is nothing to say.
      response.once('finish', () => endGently(socket));
    } else {
      // Every response of our server is made by Express, which gives it `locals`.
      sendError(response.req, response as Reply, error);
    }
  };

  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !(socket.writable || knownOf(socket).isRefused)) socket.destroy();
    else refuse(socket, codeOf(error));
  });
  server.on('connect', (_request, socket) => {
    // Node has let go of this socket, so a reset would find no other listener and end the process.
    socket.on('error', () => socket.destroy());
    refuse(socket, 'invalid_request');
  });
  /** A connection that rests must not keep alive all that its last call has used; only a last answer is to be remembered. */
  const forget = function (this: ServerResponse) {
    const connection = knownOf(this.req.socket);
    if (this.shouldKeepAlive && this.req.complete && connection.newest === this) connection.newest = undefined;
  };
  return (request, response) => {
    const connection = knownOf(request.socket);
    // Its caller has been told that nothing more is processed here, which must be true (RFC 9112 §9.6).
    if (connection.isRefused || connection.newest?.shouldKeepAlive === false) return;
    connection.newest = response;
    response.on('finish', forget);
    // Where it finds no path in a target, Express answers with a page of its own.
    request.url = originForm(request.url ?? '');
    app(request, response);
  };
}

function codeOf(error: NodeJS.ErrnoException): ErrorCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout';
  return 'invalid_request';
}

function rawAnswer(error: ProxyError, requestId: string): string {
  const body = errorBody(error, requestId);
  const headers = errorHeaders(error, requestId, Buffer.byteLength(body));
  let head = `HTTP/1.1 ${error.status} ${ERRORS[error.code].error}\r\nConnection: close\r\n`;
  for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return `${head}\r\n${body}`;
}

/** Says the last word and then only listens: closing at once would reset the connection, and overtake that word. */
function endGently(socket: Duplex, lastWord = ''): void {
  socket.end(lastWord);
  socket.resume();
  const deadline = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(deadline));
}
