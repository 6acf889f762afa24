import { type IncomingMessage, request } from 'node:http';

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Whether the answer came whole; otherwise the connection was cut. */
  readonly whole: boolean;
}

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly method?: string;
  /** Hangs up. */
  readonly signal?: AbortSignal;
  /** Called when the answer's head is here, before its body is read. */
  readonly onHead?: (answer: IncomingMessage) => void;
}

/** Calls `POST /proxy` with an envelope, or with the very bytes given, as a backend would. */
export function post(port: number, envelope: object | string | Buffer, options: PostOptions = {}): Promise<Received> {
  const body = Buffer.isBuffer(envelope) || typeof envelope === 'string' ? envelope : JSON.stringify(envelope);
  return new Promise((resolve, reject) => {
    const outgoing = request({
      port,
      host: '127.0.0.1',
      method: options.method ?? 'POST',
      path: options.path ?? '/proxy',
      agent: false,
      ...(options.signal && { signal: options.signal }),
      headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...options.headers },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      options.onHead?.(response);
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => undefined);
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          body: Buffer.concat(chunks),
          whole: response.complete,
        }),
      );
    });
    outgoing.end(body);
  });
}
