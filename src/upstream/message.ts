import type { IncomingMessage } from 'node:http';

/** A request as it goes out. */
export interface Message {
  readonly method: string;
  /** Origin-form, sent as it is (RFC 9112 §3.2.1). */
  readonly path: string;
  /** Names and values in turn. `Host`, and `Content-Length` if there is a body, are among them. */
  readonly headers: readonly string[];
  readonly body: Buffer | undefined;
}

/** A final answer of the payment API. */
export interface Answer {
  readonly status: number;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** The whole body, or, if it is larger than 64 KiB, the stream of it. */
  readonly body: Buffer | IncomingMessage;
}

/** Only as the last coding do chunks tell where the body ends (RFC 9112 §6.3). */
const ENDS_IN_CHUNKS = /(?:^|[ \t,])chunked[ \t]*$/i;

/**
 * Whether an answer tells by itself where it ends. One that has neither a length nor chunks ends with the connection,
 * and Node (20 to 26) does not tell a TLS close from a cut, so nobody knows whether it is whole (RFC 9112 §8, §9.8).
 */
export function hasOwnEnd({ headers, statusCode }: IncomingMessage, method: string): boolean {
  if (method === 'HEAD' || statusCode === 204 || statusCode === 304) return true;
  const { 'transfer-encoding': coding, 'content-length': length } = headers;
  return coding === undefined ? length !== undefined : ENDS_IN_CHUNKS.test(coding);
}
