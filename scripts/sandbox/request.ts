import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

const MAX_BODY_BYTES = 1_048_576;

/** @returns undefined when there is more than the sandbox takes; all of it has been read even so */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString() : undefined;
}

/** @param name in lower case */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** @returns the common name of the client certificate; empty when the connection has ended meanwhile */
export function clientName(socket: Socket): string {
  const subject = socket instanceof TLSSocket ? socket.getPeerCertificate()?.subject : undefined;
  return String(subject?.CN ?? '');
}
