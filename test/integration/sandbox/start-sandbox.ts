import { EventEmitter, once } from 'node:events';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import https from 'node:https';
import { buffer } from 'node:stream/consumers';
import type { SecureVersion } from 'node:tls';
import { type Authority, createAuthority, type KeyPair } from '../../../scripts/pki.ts';
import { PREFIX } from '../../../scripts/sandbox/api.ts';
import { createSandbox, type LedgerEntry, type Sandbox } from '../../../scripts/sandbox/server.ts';

export interface Call {
  readonly method?: string;
  /** A string goes as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: a certificate that the sandbox takes. */
  readonly client?: Partial<KeyPair>;
  readonly version?: SecureVersion;
}

interface Reply {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly json: {
    readonly resultType?: string;
    readonly success?: Readonly<Record<string, unknown>>;
    readonly error?: { readonly errorCode: string; readonly reason: string };
  };
}

/** A sandbox without a past, and a caller that it lets in. */
export interface TestSandbox extends Sandbox {
  readonly authority: Authority;
  /** Tells of each call once it has been processed. */
  readonly calls: EventEmitter<{ processed: [LedgerEntry] }>;
  /** Sends a call on a connection of its own. */
  send(path: string, call?: Call): ClientRequest;
  ask(path: string, call?: Call): Promise<Reply>;
}

export async function startSandbox(): Promise<TestSandbox> {
  const authority = await createAuthority();
  const usualClient = await authority.issue({ commonName: 'test-mini-app' });
  const calls: TestSandbox['calls'] = new EventEmitter();
  const sandbox = await createSandbox({ authority, onCall: (entry) => calls.emit('processed', entry) });

  function send(path: string, call: Call = {}): ClientRequest {
    const { method = 'POST', body, headers, client = usualClient, version } = call;
    const request = https.request({
      agent: false,
      host: 'localhost',
      port: sandbox.port,
      path: path.startsWith('/api-partner') ? path : PREFIX + path,
      method,
      headers: { 'x-toss-user-key': '443731104', ...headers },
      ca: authority.certPem,
      cert: client.certPem,
      key: client.keyPem,
      minVersion: version,
      maxVersion: version,
    });
    request.end(typeof body === 'string' ? body : JSON.stringify(body));
    return request;
  }

  async function ask(path: string, call: Call = {}): Promise<Reply> {
    const response = await responseTo(send(path, call));
    const bytes = await buffer(response);
    return { status: response.statusCode, headers: response.headers, json: JSON.parse(bytes.toString()) };
  }

  return { ...sandbox, authority, calls, send, ask };
}

/** @returns the head of the answer; its body is still to be read */
export async function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, 'response')) as [IncomingMessage]; // the documented argument
  return response;
}

/** A payment that the sandbox takes, with some fields changed. */
export function order(fields: Readonly<Record<string, unknown>> = {}) {
  return { orderNo: 'order-1', productDesc: '커피', amount: 15000, amountTaxFree: 0, isTestPayment: true, ...fields };
}
