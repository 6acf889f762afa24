import type { IncomingMessage, ServerResponse } from 'node:http';
import { ProxyError } from '../errors.ts';
import { awaitsContinue } from './protocol.ts';

/** A caller that takes longer than this for its body is not sending it. */
const BODY_TIMEOUT_MS = 10_000;

/**
 * Reads a request's body whole.
 *
 * @param limitBytes the most that is read
 * @throws {ProxyError} `payload_too_large`, `request_timeout`, or `caller_gone` if the caller hung up
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limitBytes: number,
  timeoutMs = BODY_TIMEOUT_MS,
): Promise<Buffer> {
  // An earlier check may have had to wait; what has closed by now says nothing any more.
  if (request.destroyed) return Promise.reject(new ProxyError('caller_gone'));
  // Node leaves this to us once the server listens to `checkContinue`. A call that waits behind another on its connection
  // has no socket yet, and the word would land inside the answer before its own.
  if (awaitsContinue(request) && response.socket !== null) response.writeContinue();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    // A call may wait long for its answer, and would keep what listens, and the body with it, for as long.
    const stop = () => {
      clearTimeout(deadline);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
    };
    const fail = (error: ProxyError) => {
      stop();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limitBytes) fail(new ProxyError('payload_too_large'));
      else chunks.push(chunk);
    };
    const onEnd = () => {
      stop();
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, bytes));
    };
    const onClose = () => {
      if (!request.readableEnded) fail(new ProxyError('caller_gone'));
    };
    const deadline = setTimeout(() => fail(new ProxyError('request_timeout')), timeoutMs);
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}
