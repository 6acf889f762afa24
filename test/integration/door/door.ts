import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { type RunningService, startService } from '../../support/service.ts';
import { onRequest, startUpstream, type Upstream } from '../../support/upstream.ts';

/** A service with keys before a payment API that says 200 to everything. */
export interface Door {
  readonly service: RunningService;
  readonly port: number;
  readonly upstream: Upstream;
  /** The key of the caller `shop`. */
  readonly key: string;
  /** The header that opens the door. */
  readonly pass: { readonly Authorization: string };
  /** How many requests the payment API has read. */
  readonly requests: number;
  close(): Promise<void>;
}

export const PAYMENT = { method: 'POST', path: '/pay', body: { amount: 1 } };

/** A key that nobody else has. */
export function newKey(): string {
  return randomBytes(24).toString('hex');
}

interface DoorOptions {
  /** Further settings by variable. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The payment API's answer to each request; a 200 unless given. */
  readonly answer?: string;
}

/** Opens a door until the test ends. */
export async function openDoor(options?: DoorOptions): Promise<Door> {
  const door = await startDoor(options);
  onTestFinished(door.close);
  return door;
}

/** Opens a door that several tests share; who calls this closes it. */
export async function startDoor({ settings = {}, answer }: DoorOptions = {}): Promise<Door> {
  const authority = await createAuthority();
  let requests = 0;
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () => {
      requests += 1;
      connection.socket.write(answer ?? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    });
  });
  const key = newKey();
  const service = await startService({
    authority,
    upstreamPorts: [upstream.port],
    settings: { PROXY_API_KEYS: `shop:${key}`, HOST: '127.0.0.1', ...settings },
  });
  return {
    service,
    port: service.port,
    upstream,
    key,
    pass: { Authorization: `Bearer ${key}` },
    get requests() {
      return requests;
    },
    close: async () => {
      await service.close();
      await upstream.close();
    },
  };
}
