import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import { type AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Authority } from '../pki.ts';
import { type Answer, failure, tooManyRequests } from './answer.ts';
import { createApi } from './api.ts';
import { deliver } from './delivery.ts';
import { FAULT_FORMS, FAULT_HEADER, type Fault, parseFault } from './faults.ts';
import { clientName, headerOf, readBody } from './request.ts';

export interface SandboxOptions {
  /** Signs the sandbox's own certificate, and is the only one whose client certificates it takes. */
  readonly authority: Authority;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Default: both. */
  readonly tlsVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Is told of each entry of the ledger. */
  readonly onCall?: (entry: LedgerEntry) => void;
}

/** A call that was processed. One that was reset before, or met with a made-up 500 or 4095, was not. */
export interface LedgerEntry {
  readonly method: string;
  /** As it came, with its query. */
  readonly path: string;
  readonly body: string;
  /** The common name of the client certificate. */
  readonly client: string;
  readonly fault: Fault['kind'];
  readonly answer: Answer;
}

export interface Sandbox {
  readonly port: number;
  /** `localhost:PORT`, as `UPSTREAM_HOSTS` takes it. */
  readonly host: string;
  /** The latest thousand calls, oldest first. */
  readonly ledger: readonly LedgerEntry[];
  /** Cuts every connection, ends every pause. */
  close(): Promise<void>;
}

const MAX_LEDGER_ENTRIES = 1_000;
const NO_FAULT: Fault = { kind: 'none', pauseMs: 0 };
const UNKNOWN_FAULT = failure('SANDBOX_UNKNOWN_FAULT', `${FAULT_HEADER}: ${FAULT_FORMS}`, 400);
const TOO_LARGE = failure('PAYLOAD_TOO_LARGE', '요청 본문이 너무 큽니다.', 413);

/** The faults that answer without processing anything. */
const MADE_UP: Partial<Record<Fault['kind'], Answer>> = {
  '500': failure('INTERNAL_ERROR', '요청을 처리하는 도중에 문제가 발생했습니다.', 500),
  '4095': tooManyRequests(),
};

/** Starts a payment API like Toss's on the loopback interface; every connection to it must bring a client certificate. */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { authority, port = 0, tlsVersion, onCall } = options;
  const { certPem, keyPem } = await authority.issue({ usage: 'server', commonName: 'sandbox' });
  const api = createApi();
  const ledger: LedgerEntry[] = [];
  const connections = new Set<Socket>();
  const closing = new AbortController();

  const server = https.createServer({
    cert: certPem,
    key: keyPem,
    ca: authority.certPem,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: tlsVersion ?? 'TLSv1.2',
    maxVersion: tlsVersion ?? 'TLSv1.3',
    keepAliveTimeout: 60_000,
  });
  server.on('connection', (socket) => {
    if (!(socket instanceof Socket)) return;
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', (request, response) => {
    response.on('error', () => {}); // The caller has gone: nobody is left to be told.
    serve(request, response).catch(() => response.destroy());
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reset = () => resetConnection(request.socket, connections);
    const client = clientName(request.socket);
    const fault = parseFault(headerOf(request, FAULT_HEADER));
    if (fault?.kind === 'reset-before') return reset();
    const body = await readBody(request);
    if (fault?.kind === 'delay') await sleep(fault.pauseMs, undefined, { signal: closing.signal });
    if (fault === undefined) return deliver(UNKNOWN_FAULT, NO_FAULT, response, reset, closing.signal);
    if (body === undefined) return deliver(TOO_LARGE, NO_FAULT, response, reset, closing.signal);
    const answer = MADE_UP[fault.kind] ?? handle(request, client, body, fault);
    return deliver(answer, fault, response, reset, closing.signal);
  }

  function handle(request: IncomingMessage, client: string, body: string, fault: Fault): Answer {
    const { method = '', url: path = '' } = request;
    const answer = api({
      method,
      path: path.split('?', 1)[0] ?? '',
      authorization: request.headers.authorization,
      userKey: headerOf(request, 'x-toss-user-key'),
      body,
    });
    const entry = { method, path, body, client, fault: fault.kind, answer };
    ledger.push(entry);
    if (ledger.length > MAX_LEDGER_ENTRIES) ledger.shift();
    onCall?.(entry);
    return answer;
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: boundPort } = server.address() as AddressInfo; // a TCP listener: never a pipe's name
  return {
    port: boundPort,
    host: `localhost:${boundPort}`,
    ledger,
    async close() {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

/** A TLS socket cannot send a TCP reset; the plain one beneath it, from the same peer, can. */
function resetConnection(secure: Socket, connections: ReadonlySet<Socket>): void {
  const beneath = [...connections].find(
    (plain) => plain.remotePort === secure.remotePort && plain.remoteAddress === secure.remoteAddress,
  );
  beneath?.resetAndDestroy();
}
