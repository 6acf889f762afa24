import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createAuthority } from '../pki.ts';

/** What all contenders are given: certificates as files, and a folder to write to. */
export interface Setting {
  readonly directory: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly serverCertFile: string;
  readonly serverKeyFile: string;
}

/** The sizes of bodies, the same in both directions, by the name that stands in the path. */
const BODY_BYTES = { small: 200, '64k': 65_536, '10m': 10_485_760 } as const;
export type BodySize = keyof typeof BODY_BYTES;

const BODY_SIZES = ['small', '64k', '10m'] as const satisfies readonly BodySize[];

/** What one payment of a body takes, about. */
const PAYMENT_BYTES = 100;

/** A body that no caller should need: for what memory does. */
export const HUGE = { path: '/huge', bytes: 200 * 1_048_576 } as const;

/** Makes certificates and bodies in a folder that the caller deletes. */
export async function prepare(directory: string): Promise<Setting> {
  const root = await createAuthority({ algorithm: 'rsa' });
  // RSA with 2048 bits below an intermediate, as payment APIs have it and hand it out.
  const authority = await root.createIntermediate();
  const client = await authority.issue({ commonName: 'bench', algorithm: 'rsa' });
  const server = await authority.issue({ usage: 'server', algorithm: 'rsa' });
  const put = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  mkdirSync(join(directory, 'bodies'));
  for (const size of BODY_SIZES) put(`bodies/${size}`, bodyOf(size));
  put(`bodies${HUGE.path}`, '');
  truncateSync(join(directory, `bodies${HUGE.path}`), HUGE.bytes);
  return {
    directory,
    caFile: put('ca.crt', root.certPem),
    certFile: put('client.crt', client.certPem),
    keyFile: put('client.key', client.keyPem),
    serverCertFile: put('server.crt', server.certPem),
    serverKeyFile: put('server.key', server.keyPem),
  };
}

/** JSON text of exactly so many bytes, such as payment APIs send: a list of payments, and a memo that fills it up. */
export function bodyOf(size: BodySize): string {
  const payments: string[] = [];
  const text = (memo: string) =>
    `{"resultType":"SUCCESS","success":{"payments":[${payments.join()}],"memo":"${memo}"}}`;
  let left = BODY_BYTES[size] - text('').length;
  for (let number = 1; left > 2 * PAYMENT_BYTES; number += 1) {
    const payment = `{"orderNo":"order-${number}","payToken":"${'t'.repeat(24)}","amount":15000,"isTestPayment":false}`;
    payments.push(payment);
    left -= payment.length + 1;
  }
  return text('m'.repeat(BODY_BYTES[size] - text('').length));
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
