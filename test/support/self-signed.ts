import { KeyObject, webcrypto } from 'node:crypto';
import '../../scripts/reflect-metadata.ts';
import * as x509 from '@peculiar/x509';
import type { KeyPair } from '../../scripts/pki.ts';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A certificate without any extension that signs itself (`CN=self`). Default: EC; else RSA with that many bits. */
export async function selfSigned(options: { readonly rsaBits?: number } = {}): Promise<KeyPair> {
  const { rsaBits } = options;
  const algorithm =
    rsaBits === undefined
      ? EC
      : {
          name: 'RSASSA-PKCS1-v1_5',
          hash: 'SHA-256',
          modulusLength: rsaBits,
          publicExponent: new Uint8Array([1, 0, 1]),
        };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({ name: 'CN=self', keys }, webcrypto);
  return {
    certPem: `${certificate.toString('pem')}\n`,
    keyPem: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
