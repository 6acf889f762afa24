import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A caller that speaks byte by byte. */
export interface RawCaller {
  readonly socket: Socket;
  /** All that has come so far, one character for each byte. */
  readonly text: string;
  /** Writes each piece by itself, so that the service reads them one by one. */
  send(...pieces: readonly (string | Buffer)[]): Promise<void>;
  /** Resolves with the match as soon as what has come matches; rejects if the connection ends before. */
  reads(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Resolves with all that came when the connection has ended. */
  readonly ended: Promise<string>;
}

/** Connects to the service and says nothing yet. */
export async function callRaw(port: number): Promise<RawCaller> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let text = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  return {
    socket,
    get text() {
      return text;
    },
    async send(...pieces) {
      for (const piece of pieces) {
        await new Promise((resolve) => socket.write(piece, resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    reads: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = text.match(pattern);
          if (match !== null) resolve(match);
        };
        socket.on('data', look);
        void ended.then(() => reject(new Error(`the connection ended after: ${text}`)));
        look();
      }),
    ended,
  };
}

/** The bytes of a `POST /proxy` that keeps its connection; `headers` are further lines. */
export function rawCall(body: string, headers: readonly string[] = []): string {
  return [
    'POST /proxy HTTP/1.1',
    'Host: service.example',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    '',
    body,
  ].join('\r\n');
}
