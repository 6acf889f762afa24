import { startUpstream, type Upstream, type UpstreamConnection } from '../../test/support/upstream.ts';
import type { Authority } from '../pki.ts';

/** A request as it stood on the wire, but for what Node's client may have said of its own connection. */
export interface Recorded {
  readonly host: string;
  readonly wire: Buffer;
}

/** What the payment API has read, in the order in which it came, over all hosts and connections. */
export class Ledger {
  readonly requests: Recorded[] = [];
  /** Bytes, by connection, that have come but are no whole request. */
  readonly #unfinished = new Map<UpstreamConnection, Buffer>();

  /** What is left over on the connections that are open. */
  get leftOver(): Buffer {
    return Buffer.concat([...this.#unfinished.values()]);
  }

  /** Reads a connection, and answers each request with its number in this ledger. */
  record(host: string, connection: UpstreamConnection): void {
    const { socket } = connection;
    socket.on('close', () => this.#unfinished.delete(connection));
    socket.on('data', (chunk: Buffer) => {
      let bytes = Buffer.concat([this.#unfinished.get(connection) ?? Buffer.alloc(0), chunk]);
      for (let end = endOfRequest(bytes); end !== undefined; end = endOfRequest(bytes)) {
        socket.write(`HTTP/1.1 200 OK\r\nX-Seen: ${this.requests.length}\r\nContent-Length: 0\r\n\r\n`);
        this.requests.push({ host, wire: withoutConnection(bytes.subarray(0, end)) });
        bytes = bytes.subarray(end);
      }
      this.#unfinished.set(connection, bytes);
    });
  }
}

/** Starts a payment API that writes everything into a ledger and takes every request, however odd, for a good one. */
export async function startRecordingUpstream(authority: Authority, host: string, ledger: Ledger): Promise<Upstream> {
  const { certPem, keyPem } = await authority.issue({ names: [host.replace(/:\d+$/, '')], usage: 'server' });
  return startUpstream(authority, (connection) => ledger.record(host, connection), { cert: certPem, key: keyPem });
}

/**
 * Where the first request ends, as a server reads it that goes by `Content-Length` alone. A request that means to be
 * read otherwise has other bytes than it should, and is found by those.
 */
function endOfRequest(bytes: Buffer): number | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const length = Number(/^content-length:[ \t]*(\d+)/im.exec(head)?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return end > bytes.length ? undefined : end;
}

/** On Node 20 the client ends each head with this line, on Node 24 it does not; a caller's own never passes. */
const CONNECTION = '\r\nConnection: keep-alive';

function withoutConnection(wire: Buffer): Buffer {
  const headEnd = wire.indexOf('\r\n\r\n');
  const start = headEnd - CONNECTION.length;
  if (wire.toString('latin1', start, headEnd) !== CONNECTION) return wire;
  return Buffer.concat([wire.subarray(0, start), wire.subarray(headEnd)]);
}
